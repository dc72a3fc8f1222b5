"""Bad input: each ends in one clear line, an exit code that isn't 0 where it cannot go on, and nothing half done."""

from __future__ import annotations

import socket
from pathlib import Path

from checks import CheckFailedError, Report, expect, wait_until
from engine import docker_command
from stack import Stack
from story import QUESTION, count_outcomes, memory

CANNOT_START = 2
SMALL_VOLUME = """
volumes:
  postgres:
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=160m,mode=1777"}
"""
FILLER = "/var/lib/postgresql/filler"
FILL = f"dd if=/dev/zero of={FILLER} bs=64k 2>&1 | grep -q 'No space left'"
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


def check_refusals(report: Report, stack: Stack) -> None:
    """What the running stack's images say to settings they cannot work with."""
    good = dict(stack.settings)
    for what, key in (("a missing", ""), ("an example", "change-me-change-me-change-me"), ("a short", "short")):
        with report.step(f"{what} key: one line and code {CANNOT_START}") as seen:
            seen.append(_refused(stack, "service", {"ADVISOR_API_KEY": key}))
    with report.step("the port taken inside the container: one line and code 2") as seen:
        inside = ["--network", f"container:{stack.containers('service')[0]}"]
        seen.append(_refused_by_engine(stack, inside))
    with report.step("the port taken on this machine: compose says so, and what ran goes on") as seen:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            stack.write_env(ADVISOR_PORT=str(taken.getsockname()[1]))
            done = stack.try_compose("up", "--detach", "--no-build")
        stack.write_env(**good)
        expect(done.code != 0, "it started")
        lines = [one for one in done.output.splitlines() if "already in use" in one or "already allocated" in one]
        expect(lines, done.output[-600:])
        seen.append(lines[-1][-160:])
        stack.up()
        stack.wait_healthy("service")
    with report.step("a wrong password: the migration ends with one line and code 2, and up fails") as seen:
        before = memory(stack)
        stack.write_env(POSTGRES_PASSWORD=good["ADVISOR_API_KEY"])
        expect(stack.try_compose("up", "--detach", "--no-build").code != 0, "up went on")
        seen.append(_ended_with_one_line(stack, "migrate"))
        stack.write_env(**good)
        stack.up()
        stack.wait_healthy("service")
        expect(memory(stack) == before, "something changed")
    with report.step("a worker with a wrong password says so") as seen:
        seen.append(_logged(stack, "worker", {"PGPASSWORD": "wrong"}, "password authentication failed"))
    with report.step("a service with a wrong password says so") as seen:
        seen.append(_logged(stack, "service", {"PGPASSWORD": "wrong"}, "password authentication failed"))
    with report.step("an unreachable database: the migration ends with one line and code 2") as seen:
        for url in ("postgresql://advisor@postgres:5433/advisor", "postgresql://advisor@nowhere.invalid/advisor"):
            seen.append(_refused(stack, "migrate", {"ADVISOR_DATABASE_URL": url}))
    with report.step("no database set: one line and code 2") as seen:
        seen.append(_refused(stack, "service", {"ADVISOR_DATABASE_URL": ""}))
    with report.step("a worker without a database says so") as seen:
        away = {"ADVISOR_DATABASE_URL": "postgresql://advisor@postgres:5433/advisor"}
        seen.append(_logged(stack, "worker", away, "onnect"))


def check_full_volume(report: Report, stack: Stack, scratch: Path) -> None:
    """Postgres on a small volume that is full, before and after the migration."""
    stack.override = scratch / "small-volume.yml"
    stack.override.write_text(SMALL_VOLUME)
    with report.step("a full volume: the migration fails with one line and nothing half-migrated") as seen:
        stack.up("postgres")
        stack.wait_healthy("postgres")
        # Connecting once writes the caches that Postgres wants: it is the migration that finds no room, not the log-in.
        expect(stack.sql(TABLES) == "0", "it is migrated already")
        stack.execute("postgres", "sh", "-c", FILL)
        expect(stack.try_compose("up", "--detach", "--no-build", "migrate", "service").code != 0, "up went on")
        seen.append(_ended_with_one_line(stack, "migrate"))
        stack.execute("postgres", "rm", FILLER)
        expect(stack.sql(TABLES) == "0", f"{stack.sql(TABLES)} tables are left")
    with report.step("space again: the same command goes through"):
        stack.up()
        stack.wait_healthy("service")
    with report.step("full again, in operation: outcomes are refused as 503 and not lost, the rest goes on") as seen:
        train = "train --push http://service:8000"
        stack.compose("run", "--rm", "-T", "kronos", *train.split(), seconds=600)
        stack.wait_ready()
        stack.execute("postgres", "sh", "-c", FILL)
        statuses = wait_until("an outcome is refused", lambda: _report_until_refused(stack), 120)
        expect(set(statuses) <= {201, 200, 503}, f"outcomes got {statuses}")
        stack.ask("POST", "/advice", QUESTION)
        seen.append(f"{len(statuses) - 1} fitted, then {statuses[-1]}")
        stack.execute("postgres", "rm", FILLER)
        wait_until("Postgres is healthy", lambda: stack.healthy("postgres"))
        acknowledged = sum(status < 300 for status in statuses)
        wait_until("all are there", lambda: count_outcomes(stack) == acknowledged)


def _report_until_refused(stack: Stack) -> list[int]:
    """New trades until one is not taken; the status of each."""
    statuses = []
    for number in range(500):
        trade = {
            "trade_id": f"filling-{number}",
            "trade_date": "2018-07-02",
            "outcome": "MAX_PROFIT",
            "net_pnl": 1.0,
            "features": {"vix": 15.0, "price": 2700.0},
        }
        statuses.append(stack.request("POST", "/outcomes", trade).status)
        if statuses[-1] >= 300:
            return statuses
    return []


def _refused(stack: Stack, service: str, environment: dict[str, str]) -> str:
    """Start a one-off container that cannot go on; returns its only line."""
    given = [option for name, value in environment.items() for option in ("-e", f"{name}={value}")]
    done = stack.try_compose("run", "--rm", "-T", "--no-deps", *given, service, seconds=60)
    expect(done.code == CANNOT_START, f"it ended with {done.code}: {done.output[-600:]}")
    return _only_line(done.output)


def _refused_by_engine(stack: Stack, options: list[str]) -> str:
    (container,) = stack.containers("service")
    environment = stack.engine.inspect(container)["Config"]["Env"]  # type: ignore[index]
    given = [option for pair in environment for option in ("--env", pair)]
    image = stack.engine.inspect(container)["Config"]["Image"]  # type: ignore[index]
    done = stack.engine.run([docker_command(), "run", "--rm", *options, *given, image], seconds=60)
    expect(done.code == CANNOT_START, f"it ended with {done.code}: {done.output[-600:]}")
    return _only_line(done.output)


def _ended_with_one_line(stack: Stack, service: str) -> str:
    code = stack.state(service)["ExitCode"]
    expect(code == CANNOT_START, f"{service} ended with {code}: {stack.logs(service)[-600:]}")
    return _only_line(stack.logs(service))


def _only_line(output: str) -> str:
    """The one line that `advisor` says; nothing of a trace beside it."""
    said = [line for line in output.splitlines() if "advisor: " in line]
    expect(len(said) == 1 and "Traceback" not in output, f"not one clear line: {output[-600:]}")
    return said[0]


def _logged(stack: Stack, service: str, environment: dict[str, str], wanted: str) -> str:
    """Run a one-off container that goes on trying; returns the line of its log that says what is wrong."""
    given = [option for name, value in environment.items() for option in ("-e", f"{name}={value}")]
    name = f"{stack.project}-trying"
    stack.compose("run", "--detach", "--no-deps", "--name", name, *given, service)
    try:
        return wait_until(f"{service} says {wanted!r}", lambda: _line_with(stack, name, wanted), 20)[:200]
    except CheckFailedError as error:
        raise CheckFailedError(f"{error}; it said {stack.engine.docker('logs', name)[-600:]!r}") from error
    finally:
        stack.engine.docker("rm", "--force", name)


def _line_with(stack: Stack, container: str, wanted: str) -> str:
    """The first clear line with these words: a trace is none."""
    lines = stack.engine.docker("logs", container).splitlines()
    return next((line for line in lines if wanted in line and "Traceback" not in line), "")
