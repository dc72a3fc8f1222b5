"""Every route under schemathesis, with a key of each scope: no 5xx, and no reply that the document does not declare."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.keys.scopes import Scope
from tests.support.in_process import InProcessService
from tests.support.keys import BOOTSTRAP_KEY, make_key
from tests.support.paths import ROOT
from tests.support.processes import Databases, environment_with, wait_until

DOCUMENT = ROOT / "docs" / "openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def fuzzed_service(
    databases: Databases, ready_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcessService]:
    """A service of this module's own, since what is sent at random changes it."""
    settings = {"api_key": BOOTSTRAP_KEY, "rate_limit_per_minute": 1_000_000}
    service = InProcessService(databases.make(ready_template), tmp_path_factory.mktemp("fuzzed"), settings).start()
    yield service
    service.stop()


@pytest.mark.parametrize(("held", "examples"), [(tuple(Scope), 12), *(((scope,), 2) for scope in Scope)])
def test_nothing_that_is_sent_ends_in_a_server_error(
    fuzzed_service: InProcessService, held: tuple[Scope, ...], examples: int, tmp_path: Path
) -> None:
    key = make_key(fuzzed_service.database_url, "fuzzer", *held)
    wait_until(lambda: fuzzed_service.knows(key))
    result = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", fuzzed_service.url),
            *("--header", f"Authorization: Bearer {key}", "--checks", CHECKS, "--max-examples", str(examples)),
            *("--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color", "--request-timeout", "20"),
        ],
        cwd=tmp_path,
        env=environment_with(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "unexpected_error" not in fuzzed_service.log
