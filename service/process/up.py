"""Everything on one machine: PostgreSQL, migrations, service, worker and, if there is no model, a first training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

import urllib3
from pydantic import SecretStr

from service.db.embedded import EmbeddedPostgres
from service.db.engine import database_url
from service.db.migrate import migrate_now
from service.errors import SettingsError
from service.process.listen import http_url, listening_socket
from service.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1
WATCH_SECONDS = 1.0

BANNER = """
  ARES ML Advisor is ready on {url}

  Ask it:
    curl -s {url}/advice -H 'content-type: application/json' \\
      -d '{{"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}}'

  Dashboard {url}/   Health {url}/readyz   Data {data}
  Stop with Ctrl-C; stored data is kept.
"""


Children = dict[str, subprocess.Popen[bytes]]


class _Stopped(Exception):  # noqa: N818 - not an error
    """A signal asked us to stop."""


def run_everything(settings: Settings, *, train: bool) -> int:
    """Start all parts; stop them at Ctrl-C, SIGTERM, or when one of them ends. Returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    port = _free_port(settings)
    database = None
    children: Children = {}
    try:
        if settings.database_url is None:
            _say("starting PostgreSQL")
            database = EmbeddedPostgres(settings.data_dir)
            database.start()
            settings = settings.model_copy(update={"database_url": SecretStr(database.url())})
        migrate_now(settings)
        environment = {**os.environ, "ADVISOR_DATABASE_URL": database_url(settings), "ADVISOR_PORT": str(port)}
        for name in ("serve", "worker"):
            part = [sys.executable, "-m", "service.cli", name, "--end-with-parent", str(os.getpid())]
            children[name] = _spawn(part, environment)
        url = http_url(_reached_at(settings.host), port)
        _wait_for(f"{url}/livez", children)
        if train and _get(f"{url}/readyz") != 200 and _train(url, settings):
            _wait_for(f"{url}/readyz", children)
        sys.stdout.write(BANNER.format(url=url, data=settings.data_dir))
        sys.stdout.flush()
        return _wait_until_one_ends(children, database)
    except _Stopped:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _say("stopping")
        _stop_children(children)
        if database is not None:
            database.stop()


def _free_port(settings: Settings) -> int:
    """The requested port or, for 0, a free one. A taken port is refused at once."""
    with listening_socket(settings.host, settings.port) as probe:
        return int(probe.getsockname()[1])


def _reached_at(host: str) -> str:
    """The address at which this machine reaches the service, even if that listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _say(what: str) -> None:
    sys.stderr.write(f"advisor: {what}\n")


def _spawn(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C reaches only us and we stop the children in order."""
    return subprocess.Popen(command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL)


def _train(url: str, settings: Settings) -> bool:
    """Train on the bundled sample and push the model; the user sees the output. Returns whether it worked."""
    _say("no model yet: training on the bundled sample, 2014-2018")
    environment = dict(os.environ)
    if settings.api_key is not None:
        environment["ARES_ADVISOR_API_KEY"] = settings.api_key.get_secret_value()
    out = settings.data_dir / "first_model.ares"
    command = [sys.executable, "-m", "kronos", "train", "--push", url, "--out", str(out)]
    result = subprocess.run(command, env=environment, check=False)
    if result.returncode != 0:
        _say("training failed; serving without a model")
    return result.returncode == 0


def _get(url: str) -> int:
    try:
        return urllib3.request("GET", url, timeout=2.0, retries=False).status
    except urllib3.exceptions.HTTPError:
        return 0


def _wait_for(url: str, children: Children) -> None:
    """Wait until a URL answers 200.

    Raises
    ------
    SettingsError
        If a child ends first, or time runs out.
    """
    until = time.monotonic() + START_SECONDS
    while _get(url) != 200:
        ended = [name for name, child in children.items() if child.poll() is not None]
        if ended or time.monotonic() > until:
            raise SettingsError(f"{ended[0]} ended during start-up" if ended else f"{url} did not answer in time")
        time.sleep(POLL_SECONDS)


def _wait_until_one_ends(children: Children, database: EmbeddedPostgres | None) -> int:
    """Wait until a child ends. If the database dies, start it again; it recovers."""
    while True:
        if database is not None and not database.is_running():
            _say("PostgreSQL has stopped; starting it again")
            database.start()
        for name, child in children.items():
            if child.poll() is not None:
                _say(f"{name} ended with {child.returncode}")
                return 1
        time.sleep(WATCH_SECONDS)


def _stop_children(children: Children) -> None:
    """Ask all children to stop, then kill those that have not."""
    for child in children.values():
        child.terminate()
    until = time.monotonic() + STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
