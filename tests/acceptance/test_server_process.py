"""The server process: light, and safe by default."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kronos.training.rows import TrainingRows
from tests.support.keys import make_key
from tests.support.lived import ask, logged, report, trade
from tests.support.processes import StartProcess
from tests.support.shared import AGED_THROUGH

HEAVY = {"sklearn", "pandas", "joblib", "scipy"}


def test_it_has_not_imported_scikit_learn_pandas_or_joblib(
    start_process: StartProcess, aged_database_url: str, sample_rows: TrainingRows
) -> None:
    """The real process, after it has loaded a model, answered and measured: its mapped libraries tell."""
    service = start_process("serve", aged_database_url)
    later = sample_rows.take(sample_rows.sessions > AGED_THROUGH)
    for at in range(len(later)):
        ask(service, later, at)
    logged(service, len(later))
    report(service, [trade(later, at) for at in range(len(later))])
    measured = service.request("GET", "/performance?start=2018-01-01&end=2018-12-31").json()
    assert measured["calibration"]["observations"] == len(later)
    assert measured["drift"]
    mapped = Path(f"/proc/{service.pid}/maps").read_text()
    assert "/numpy/" in mapped
    assert not [name for name in HEAVY if f"/{name}/" in mapped]


def test_its_modules_are_light() -> None:
    code = "import sys, service.cli, service.app; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not HEAVY & {name.split(".")[0] for name in loaded}


def test_beyond_loopback_a_stored_key_is_enough_to_start(start_process: StartProcess, database_url: str) -> None:
    token = make_key(database_url, "bot", "read")
    service = start_process("serve", database_url, ADVISOR_HOST="0.0.0.0")
    headers = {"authorization": f"Bearer {token}"}
    assert service.plain_request("GET", "/models", headers=headers).status == 200
    assert service.plain_request("GET", "/models").status == 401
