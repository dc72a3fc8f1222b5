"""What the operator does to a stack that holds data: rotate keys, back up and restore, upgrade."""

from __future__ import annotations

import subprocess
from pathlib import Path

import images
from checks import Report, expect, wait_until
from stack import Stack
from story import QUESTION, TRAINED_UNTIL, memory
from trades import honest_trades

OLD_TAG = "upgraded-from"
CODE = ("ares_client", "kronos", "migrations", "requirements", "service", "pyproject.toml", "README.md")
SCHEMA = "SELECT version_num FROM alembic_version"


def check_keys(report: Report, stack: Stack) -> None:
    """New keys take over from old ones; the data stays."""
    with report.step("rotating the bootstrap key: the old one is refused, the new one works"):
        old = stack.key
        stack.write_env(ADVISOR_API_KEY="rotated-" + old)
        stack.up()
        stack.wait_healthy("service")
        stack.wait_ready()
        expect(stack.request("POST", "/advice", QUESTION, key=old).status == 401, "the old key still works")
        stack.ask("POST", "/advice", QUESTION)
    with report.step("rotating the password of Postgres"):
        before = memory(stack)
        new = "s/p@ce & 'qu:te"
        quoted = new.replace("'", "''")
        stack.sql(f"ALTER ROLE advisor PASSWORD '{quoted}'")
        stack.write_env(POSTGRES_PASSWORD=f'"{new}"')
        stack.up()
        stack.wait_healthy("service")
        stack.wait_ready()
        expect(memory(stack) == before, "something is lost")
    with report.step("a key made, used and revoked"):
        made = stack.execute("service", "advisor", "keys", "make", "compose-test", "--scope", "advice")
        (key,) = [line for line in made.splitlines() if " " not in line]
        wait_until("it works", lambda: stack.request("POST", "/advice", QUESTION, key=key).status == 200, 15)
        expect(stack.request("GET", "/models", key=key).status == 403, "it may do more than it was made for")
        listed = stack.execute("service", "advisor", "keys", "list")
        (key_id,) = [line.split()[0] for line in listed.splitlines() if "compose-test" in line]
        stack.execute("service", "advisor", "keys", "revoke", key_id)
        wait_until("it is refused", lambda: stack.request("POST", "/advice", QUESTION, key=key).status == 401, 15)


def check_backup(report: Report, stack: Stack, scratch: Path) -> None:
    """A dump, everything thrown away, and all of it back."""
    before, dump = memory(stack), scratch / "backup"
    with report.step("pg_dump, down with volumes, pg_restore into an empty database: all is back") as seen:
        stack.save(dump, "exec", "-T", "postgres", "pg_dump", "--username=advisor", "--format=custom", "advisor")
        stack.down()
        stack.up("postgres")
        stack.wait_healthy("postgres")
        restore = ["pg_restore", "--username=advisor", "--dbname=advisor", "--exit-on-error", "--single-transaction"]
        stack.execute("postgres", *restore, given=dump.read_bytes())
        stack.up()
        stack.wait_healthy("service")
        stack.wait_ready()
        expect(memory(stack) == before, f"{memory(stack)} was {before}")
        stack.ask("POST", "/advice", QUESTION)
        seen.append(f"{dump.stat().st_size} bytes, {before}")


def check_upgrade(report: Report, stack: Stack, older: str, scratch: Path, options: list[str]) -> None:
    """Start the older code in today's Dockerfile, use it, then upgrade."""
    version = stack.settings["ADVISOR_VERSION"]
    with report.step(f"the images of {older}"):
        checkout = scratch / "older"
        subprocess.run(["git", "clone", "--quiet", str(stack.checkout), str(checkout)], check=True)  # noqa: S607
        for name in CODE:
            subprocess.run(["git", "-C", str(checkout), "rm", "-rq", name], check=True)  # noqa: S607
        subprocess.run(["git", "-C", str(checkout), "checkout", "-q", older, "--", *CODE], check=True)  # noqa: S607
        images.build(stack.engine, checkout, OLD_TAG, options)
    with report.step(f"upgrade from {older}: migrated, nothing lost") as seen:
        stack.down()
        stack.write_env(ADVISOR_VERSION=OLD_TAG)
        stack.up()
        stack.wait_healthy("service")
        stack.compose("run", "--rm", "-T", "kronos", "train", "--push", "http://service:8000", seconds=600)
        stack.wait_ready()
        trades = honest_trades(stack.checkout / "kronos/market/data/sample_2014_2018.csv", TRAINED_UNTIL, 20)
        stack.ask("POST", "/outcomes", {"outcomes": trades})
        before, schema = memory(stack), stack.sql(SCHEMA)
        stack.write_env(ADVISOR_VERSION=version)
        stack.compose("run", "--rm", "-T", "migrate")
        expect(stack.request("POST", "/advice", QUESTION).status == 200, "the older service stopped answering")
        stack.up()
        stack.wait_healthy("service")
        stack.wait_ready()
        expect(memory(stack) == before, f"{memory(stack)} was {before}")
        stack.ask("POST", "/advice", QUESTION)
        seen.append(f"schema {schema} → {stack.sql(SCHEMA)}")
