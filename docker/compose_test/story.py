"""The life of a stack: refused, started, trained, asked, crashed, scaled."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks import Report, expect, wait_until
from engine import Engine
from images import image
from stack import Stack
from trades import honest_trades

from ares_client import ClientSettings
from ares_client.advisor import Advisor

QUESTION: dict[str, Any] = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}
TRAINED_UNTIL = "2018-06-30"
RETRAIN_SECONDS = 300
REPLICAS = 3
LOAD_REQUESTS = 500
WITHOUT_CAPABILITIES = "0000000000000000"
LOOK_INSIDE = """
cat /proc/1/comm
id -u
sed -nE 's/^(CapEff|CapBnd|NoNewPrivs):[[:space:]]*//p' /proc/1/status
touch /here 2>&1
"""


def check_images(report: Report, engine: Engine, version: str) -> None:
    """What is in the images, and what is not."""
    for target in ("server", "training"):
        with report.step(f"the {target} image") as seen:
            name = image(target, version)
            found: dict[str, Any] = engine.inspect(name)
            labels, user = found["Config"]["Labels"], found["Config"]["User"]
            expect(labels["org.opencontainers.image.version"] == version, f"its label says {labels}")
            expect(user == "10001:10001", f"it runs as {user!r}")
            expect(not any("KEY" in one or "PASSWORD" in one for one in found["Config"]["Env"]), "a secret in it")
            layers = engine.docker("history", "--format={{.Size}} {{.CreatedBy}}", name)
            (ours,) = [line.split()[0] for line in layers.splitlines() if "COPY /opt/advisor" in line]
            run = ["run", "--rm", "--network=none", "--entrypoint=sh", name, "-c"]
            tools = engine.docker(*run, "ls /etc/pip.conf /run/secrets 2>&- ; command -v cc gcc make || true")
            expect(not tools, f"it holds {tools}")
            has = engine.docker(*run, "python3 -c 'import sklearn' 2>&- && echo scikit-learn || echo none")
            expect(has == ("none" if target == "server" else "scikit-learn"), f"scikit-learn: {has}")
            seen.append(f"{found['Size'] / 1e6:.0f} MB on this base, {ours} of them ours")


def check_example_refuses(report: Report, stack: Stack) -> None:
    """The committed example, copied unchanged, starts nothing."""
    example, used = stack.checkout / ".env.example", stack.checkout / ".env"
    for secret, given in (("POSTGRES_PASSWORD", ""), ("ADVISOR_API_KEY", "POSTGRES_PASSWORD=0123456789abcdef\n")):
        with report.step(f"the example without {secret} refuses, and says so") as seen:
            used.write_text(example.read_text() + given)
            done = stack.try_compose("up", "--detach", "--no-build")
            expect(done.code != 0, "it started")
            expect(f"set {secret} in .env" in done.output, done.output)
            expect(not stack.leftovers(), "it left something behind")
            seen.append(done.output.splitlines()[-1][-140:])
    stack.write_env()


def check_start(report: Report, stack: Stack, scratch: Path) -> None:
    """Up without a model: healthy, not ready, and a bot that asks gets its own defaults."""
    with report.step("up: Postgres, migrations, service and worker"):
        stack.up()
        stack.wait_healthy("service")
        expect(stack.state("migrate")["ExitCode"] == 0, "the migration failed")
        wait_until("the worker is ready", lambda: "worker_ready" in stack.logs("worker"))
        expect(not stack.engine.docker("port", stack.containers("postgres")[0]), "Postgres publishes a port")
    for service in ("postgres", "service", "worker"):
        with report.step(f"{service}: init, not root, no capability, no new privileges, read-only"):
            init, user, effective, bounding, no_new_privileges, *denied = stack.try_compose(
                "exec", "-T", service, "sh", "-c", LOOK_INSIDE
            ).output.splitlines()
            expect(init in {"docker-init", "tini"}, f"its first process is {init}")
            expect(user not in {"0", ""}, f"it runs as {user}")
            expect(effective == bounding == WITHOUT_CAPABILITIES, f"capabilities {effective} of {bounding}")
            expect(no_new_privileges == "1", "it may gain privileges")
            expect("Read-only file system" in "".join(denied), f"writing to / gave {denied}")
    with report.step("without a model: alive, not ready, and why") as seen:
        expect(stack.request("GET", "/livez").status == 200, "/livez")
        reply = stack.request("GET", "/readyz")
        expect(reply.status == 503 and "no model" in reply.data["detail"], f"{reply.status}: {reply.content!r}")
        seen.append(reply.data["detail"])
    with report.step("without a model: the bot gets its fallback") as seen:
        advice = ask_as_bot(stack, scratch)
        expect(advice.source == "fallback", f"it came from {advice.source}")
        seen.append(f"{advice.advice.value}, {advice.reason}")


def ask_as_bot(stack: Stack, scratch: Path) -> Any:
    """Advice through the client that ARES installs."""
    settings = ClientSettings(url=stack.url, api_key=stack.key, outbox=scratch / "outbox")
    with Advisor(settings) as advisor:
        return advisor.get_trading_advice(vix=QUESTION["vix"], price=QUESTION["price"], day_of_week=2)


def check_training(report: Report, stack: Stack, scratch: Path) -> None:
    """The one-off training job, and a service that becomes ready without a restart."""
    data = scratch / "market"
    data.mkdir(mode=0o755)
    shutil.copy(stack.checkout / "kronos" / "market" / "data" / "sample_2014_2018.csv", data / "bars.csv")
    stack.write_env(KRONOS_DATA_DIR=str(data))
    began = stack.state("service")["StartedAt"]
    with report.step("the training job, on a file of its own"):
        command = f"train --start 2014-01-03 --end {TRAINED_UNTIL} --data /data/bars.csv --push http://service:8000"
        stack.compose("run", "--rm", "-T", "kronos", *command.split(), seconds=600)
    with report.step("the service is ready without a restart") as seen:
        version = stack.wait_ready(30)
        expect(stack.state("service")["StartedAt"] == began, "it was restarted")
        seen.append(f"model {version}")
    with report.step("dates that the data doesn't cover: one line, and not 0") as seen:
        uncovered = ("--start", "2021-01-01", "--end", "2024-12-01")
        done = stack.try_compose("run", "--rm", "-T", "kronos", "train", *uncovered)
        expect(done.code == 2, f"it ended with {done.code}")
        seen.append(_said(done.output, "kronos:"))
    with report.step("the bot gets the model's advice") as seen:
        advice = ask_as_bot(stack, scratch)
        expect(advice.source == "service", f"it came from {advice.source}, {advice.reason}")
        seen.append(f"{advice.advice.value}, {advice.win_probability:.3f}, model {advice.model_version}")


def check_learning(report: Report, stack: Stack) -> None:
    """Outcomes are kept, and a retraining comes to a verdict."""
    trades = honest_trades(stack.checkout / "kronos/market/data/sample_2014_2018.csv", TRAINED_UNTIL, 60)
    with report.step("outcomes are recorded"):
        stack.ask("POST", "/outcomes", trades[0])
        results = stack.ask("POST", "/outcomes", {"outcomes": trades[1:]})["results"]
        expect({one["status"] for one in results} == {"recorded"}, str(results)[:300])
        expect(count_outcomes(stack) == 60, f"{count_outcomes(stack)} are kept")
    with report.step("a retraining comes to a verdict") as seen:
        run = stack.ask("POST", "/retrain", {"min_new_samples": 0})
        seen.append(verdict(stack, run))


def verdict(stack: Stack, run: dict[str, Any]) -> str:
    """Wait for a run to end, promoted or refused."""
    ended = wait_until("a verdict", lambda: _ended(stack, run["run_id"]), RETRAIN_SECONDS)
    expect(ended["state"] in {"promoted", "refused"}, f"{ended['state']}: {ended.get('reason')}")
    return f"{ended['state']} {ended.get('model_version') or ended.get('reason')}"


def _ended(stack: Stack, run_id: str) -> dict[str, Any] | None:
    run: dict[str, Any] = stack.ask("GET", f"/retrain/{run_id}")
    return run if run["state"] not in {"queued", "running"} else None


def count_outcomes(stack: Stack) -> int:
    """How many outcomes Postgres holds."""
    return int(stack.sql("SELECT count(*) FROM ares_ml_outcomes"))


def memory(stack: Stack) -> dict[str, Any]:
    """All that must outlive any container: outcomes, models, runs, bars."""
    tables = ("ares_ml_outcomes", "model_versions", "retrain_runs", "market_days")
    kept: dict[str, Any] = {table: int(stack.sql(f"SELECT count(*) FROM {table}")) for table in tables}  # noqa: S608
    return kept | {"champion": stack.sql("SELECT version FROM model_versions WHERE state = 'champion'")}


def check_crashes(report: Report, stack: Stack) -> None:
    """`kill -9` in each container, a restart of each, and Postgres away: nothing is lost."""
    before = memory(stack)
    for service in ("postgres", "service", "worker"):
        with report.step(f"kill -9 on {service}: started again by the engine, nothing lost"):
            stack.crash(service)
            stack.wait_healthy("postgres")
            stack.wait_healthy("service")
            stack.wait_ready()
            expect(memory(stack) == before, f"{memory(stack)} was {before}")
    with report.step("kill -9 on the worker while it trains: the run still comes to a verdict") as seen:
        run = stack.ask("POST", "/retrain", {"min_new_samples": 0})
        wait_until("it runs", lambda: stack.ask("GET", f"/retrain/{run['run_id']}")["state"] == "running", 30)
        stack.crash("worker")
        seen.append(verdict(stack, run))
    with report.step("kill -9 on Postgres right after an outcome was acknowledged: it is there"):
        before = memory(stack)
        stack.ask("POST", "/outcomes", _one_more(stack))
        stack.crash("postgres")
        stack.wait_healthy("postgres")
        expect(count_outcomes(stack) == before["ares_ml_outcomes"] + 1, "the outcome is gone")
    with report.step("restart of all three: nothing lost"):
        before = memory(stack)
        stack.compose("restart", "postgres", "service", "worker")
        stack.wait_healthy("service")
        stack.wait_ready()
        expect(memory(stack) == before, f"{memory(stack)} was {before}")
    with report.step("Postgres away, and the service restarted: advice from the champion on disk, outcomes wait"):
        stack.compose("stop", "postgres")
        stack.compose("restart", "service")
        stack.wait_healthy("service")
        expect(stack.ask("POST", "/advice", QUESTION)["model_version"] == before["champion"], "another model")
        reply = stack.request("POST", "/outcomes", _one_more(stack))
        expect(reply.status == 503, f"an outcome got {reply.status}")
        stack.up()
        stack.wait_healthy("postgres")
        wait_until("outcomes are taken", lambda: stack.request("POST", "/outcomes", _one_more(stack)).status < 300)


def _one_more(stack: Stack) -> dict[str, Any]:
    trades = honest_trades(stack.checkout / "kronos/market/data/sample_2014_2018.csv", TRAINED_UNTIL, 61)
    return {**trades[-1], "trade_id": "one-more"}


def check_scaling(report: Report, stack: Stack) -> None:
    """Three replicas behind the optional proxy."""
    port = stack.settings["ADVISOR_PORT"]
    with report.step(f"up --scale service={REPLICAS} behind the proxy: all replicas answer") as seen:
        stack.write_env(COMPOSE_PROFILES="proxy", ADVISOR_PORT="0")
        stack.up("--scale", f"service={REPLICAS}")
        stack.wait_healthy("service", REPLICAS)
        wait_until("the proxy spreads requests", lambda: len(_replicas(stack, 30)) == REPLICAS, 30)
        seen.append(", ".join(sorted(_replicas(stack, 30))))
    with report.step("a rollback through one replica reaches all of them") as seen:
        champion = stack.sql("SELECT version FROM model_versions WHERE state = 'champion'")
        (older,) = stack.sql(f"SELECT version FROM model_versions WHERE version <> '{champion}' LIMIT 1").split()  # noqa: S608
        for version in (older, champion):
            stack.ask("POST", f"/models/{version}/activate")
            wait_until(f"all serve {version}", lambda wanted=version: _versions(stack) == [wanted] * REPLICAS, 30)  # type: ignore[misc]
        seen.append(f"{champion} → {older} → {champion}")
    with report.step("one replica is stopped under load: no request fails") as seen:
        seen.append(_under_load(stack, "stop", allowed=0))
    with report.step("one replica is killed under load: at most the requests it held fail") as seen:
        seen.append(_under_load(stack, "kill", allowed=2))
    with report.step("back to one, without the proxy"):
        stack.write_env(COMPOSE_PROFILES="", ADVISOR_PORT=port)
        stack.compose("--profile", "proxy", "rm", "--stop", "--force", "proxy")
        stack.up()
        stack.wait_healthy("service")
        stack.wait_ready()


def _replicas(stack: Stack, requests: int) -> set[str]:
    return {stack.request("POST", "/advice", QUESTION).replica for _ in range(requests)}


def _versions(stack: Stack) -> list[str]:
    """What each replica serves, asked at its own port."""
    urls = ["http://" + stack.engine.docker("port", one, "8000/tcp") for one in stack.containers("service")]
    return [stack.request("GET", "/readyz", url=url).data["model_version"] for url in urls]


def _under_load(stack: Stack, how: str, *, allowed: int) -> str:
    """Ask over two connections while a replica goes away, and 2 s longer; then bring it back."""
    gone = stack.containers("service")[0]
    with ThreadPoolExecutor(3) as pool:
        leaving = pool.submit(stack.engine.docker, how, gone)
        asking = [pool.submit(_ask_until_gone, stack, leaving) for _ in range(2)]
        statuses = [status for asked in asking for status in asked.result()]
    stack.engine.docker("start", gone)
    stack.wait_healthy("service", REPLICAS)
    failed = [status for status in statuses if status != 200]
    expect(len(failed) <= allowed, f"{len(failed)} of {len(statuses)} requests failed: {set(failed)}")
    return f"{len(failed)} of {len(statuses)} requests failed"


def _ask_until_gone(stack: Stack, leaving: Future[str]) -> list[int]:
    statuses: list[int] = []
    gone_at = None
    while len(statuses) < LOAD_REQUESTS and (gone_at is None or time.monotonic() < gone_at + 2):
        statuses.append(_status(stack))
        if gone_at is None and leaving.done():
            gone_at = time.monotonic()
        time.sleep(0.02)
    return statuses


def _status(stack: Stack) -> int:
    try:
        return stack.request("POST", "/advice", QUESTION).status
    except OSError:
        return 0


def _said(output: str, start: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(start)]
    expect(len(lines) == 1, f"not one line beginning with {start!r}: {output[-800:]}")
    return lines[0]
