"""The wheel: only `ares_client`, two dependencies, and the guide's code runs where nothing else is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path
from typing import Any

import pytest

import ares_client
from tests.support import client_support
from tests.support.client_support import PATIENT_SECONDS
from tests.support.paths import ROOT
from tests.support.processes import AdvisorProcess

refused_url = client_support.refused_url
threads_are_seen_out = client_support.threads_are_seen_out

SOURCE = Path(ares_client.__file__).parent
GUIDE_BOT = ROOT / "tests" / "support" / "client_guide_bot.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def requirements(headers: Message | PackageMetadata) -> set[str]:
    """The names that are needed everywhere: an extra is not."""
    needed = [text for text in headers.get_all("Requires-Dist") or [] if "extra ==" not in text]
    return {re.findall(r"[\w.-]+", text)[0].lower().replace("_", "-") for text in needed}


def test_the_wheel_holds_the_client_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == {
        f"ares_client/{file.relative_to(SOURCE)}"
        for file in SOURCE.rglob("*")
        if file.suffix == ".py" or file.name == "py.typed"
    }
    assert "ares_client/py.typed" in inside


def test_it_needs_two_packages_at_most(wheel: Path) -> None:
    assert requirements(metadata(wheel)) == {"pydantic", "urllib3"}


def test_its_readme_is_its_description(wheel: Path) -> None:
    assert str(metadata(wheel).get_payload()).strip() == (SOURCE / "README.md").read_text().strip()


@pytest.fixture(scope="module")
def empty_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, what its metadata asks for, and nothing else. Needs no network."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    missing, present = requirements(metadata(wheel)), set()
    while missing:
        name = missing.pop()
        present.add(name)
        installed = distribution(name)
        for file in installed.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(installed.locate_file(file)), target)
        missing |= requirements(installed.metadata) - present
    return folder / "bin" / "python"


def run_guide_bot(python: Path, folder: Path, **variables: str) -> dict[str, Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ARES_", "PYTHON"))}
    done = subprocess.run(
        [python, "-I", GUIDE_BOT],
        env=clean | variables | {"ARES_ADVISOR_OUTBOX": str(folder / "outbox")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=4 * PATIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    came_to: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return came_to


def test_the_environment_is_empty(empty_environment: Path) -> None:
    script = "import importlib.util as i; print([m for m in ('service','kronos','numpy','pip') if i.find_spec(m)])"
    done = subprocess.run([empty_environment, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_guide_runs_there_with_the_service_up(
    empty_environment: Path, ready_service: AdvisorProcess, tmp_path: Path
) -> None:
    """On a service of its own: the shared one may hold enough trades for the guide to wait for a retraining."""
    variables = {
        "ARES_ADVISOR_URL": ready_service.url,
        "ARES_ADVISOR_BOT": "empty-environment",
        "ARES_ADVISOR_DEADLINE_SECONDS": str(PATIENT_SECONDS),
    }
    came_to = run_guide_bot(empty_environment, tmp_path, **variables)
    assert Path(came_to["client"]).is_relative_to(empty_environment.parents[1])
    assert came_to["cycle"].get("source", "service") == "service"
    assert (came_to["pending"], came_to["quarantined"]) == (0, 0)


def test_the_guide_runs_there_with_the_service_down_and_the_trade_arrives_later(
    empty_environment: Path, live_service: AdvisorProcess, refused_url: str, tmp_path: Path
) -> None:
    variables = {"ARES_ADVISOR_URL": refused_url, "ARES_ADVISOR_BOT": "arrives-later"}
    came_to = run_guide_bot(empty_environment, tmp_path, **variables)
    assert came_to["cycle"] == {"actions": [], "risk_pct": 10.0, "sd_multiplier": 1.0, "source": "fallback"}
    assert (came_to["pending"], came_to["retrained"]) == (1, False)

    settings = ares_client.ClientSettings(
        url=live_service.url, api_key=live_service.api_key, bot="arrives-later", outbox=tmp_path / "outbox"
    )
    with ares_client.Advisor(settings) as advisor:
        assert advisor.stats().pending == 1
        assert advisor.flush(PATIENT_SECONDS)
        assert advisor.stats().quarantined == 0
