"""What can be said of docker-compose.yml without an engine; `make compose-test` brings it up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.support.paths import ROOT

COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<otherwise>[^}]*)\}")
REQUIRED = {"POSTGRES_PASSWORD", "ADVISOR_API_KEY"}
OF_COMPOSE_ITSELF = {"COMPOSE_PROFILES"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services, anchors resolved."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    """Every variable of the example, the commented ones too."""
    return dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def named_variables(services: dict[str, dict[str, Any]]) -> set[str]:
    """What compose looks up: `${…}`, and environment entries that have no value of their own."""
    handed_on = {
        name for service in services.values() for name, value in service.get("environment", {}).items() if value is None
    }
    return {found["name"] for found in VARIABLE.finditer(COMPOSE.read_text())} | handed_on


def test_it_names_the_variables_that_the_example_has(
    services: dict[str, dict[str, Any]], example: dict[str, str]
) -> None:
    assert named_variables(services) == set(example) - OF_COMPOSE_ITSELF


def test_what_the_example_leaves_empty_is_asked_for() -> None:
    active = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    assert active == dict.fromkeys(REQUIRED, "")
    for found in VARIABLE.finditer(COMPOSE.read_text()):
        if found["name"] in REQUIRED:
            assert found["otherwise"] == f":?set {found['name']} in .env"


def test_the_defaults_that_the_example_shows_are_true(example: dict[str, str]) -> None:
    for found in VARIABLE.finditer(COMPOSE.read_text()):
        if found["otherwise"].startswith(":-"):
            assert example[found["name"]] == found["otherwise"].removeprefix(":-"), found["name"]


def test_every_setting_that_is_handed_on_exists(services: dict[str, dict[str, Any]]) -> None:
    given = {name for service in services.values() for name in service.get("environment", {})}
    ours = {name.removeprefix("ADVISOR_").lower() for name in given if name.startswith("ADVISOR_")}
    assert ours <= set(Settings.model_fields)


def test_the_version_is_the_code_s() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    found = {one["otherwise"] for one in VARIABLE.finditer(COMPOSE.read_text()) if one["name"] == "ADVISOR_VERSION"}
    assert found == {f":-{version}"}


def test_the_example_shows_the_defaults_that_hold(example: dict[str, str]) -> None:
    """A value stands in the example to be read; it must be the one that holds where it stays commented."""
    defaults = {f"ADVISOR_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    shown = {name: value for name, value in example.items() if value and name in defaults}
    assert len(shown) > 4
    assert shown == {name: str(defaults[name]) for name in shown}


@pytest.mark.parametrize("name", ["postgres", "migrate", "service", "worker", "kronos", "proxy"])
def test_every_container_is_hardened(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert (service["init"], service["read_only"], service["cap_drop"]) == (True, True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
    assert "cap_add" not in service
    assert "privileged" not in service


def test_what_can_be_reached_is_reached_from_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"service", "proxy"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_order_is_by_health(services: dict[str, dict[str, Any]]) -> None:
    after = {
        name: {other: how["condition"] for other, how in service["depends_on"].items()}
        for name, service in services.items()
        if "depends_on" in service
    }
    assert after == {
        "migrate": {"postgres": "service_healthy"},
        "service": {"migrate": "service_completed_successfully"},
        "worker": {"migrate": "service_completed_successfully"},
        "kronos": {"service": "service_healthy"},
        "proxy": {"service": "service_healthy"},
    }
    assert "sleep" not in COMPOSE.read_text()


def test_a_stop_waits_for_the_service_to_end_by_itself(services: dict[str, dict[str, Any]]) -> None:
    fields = Settings.model_fields
    needed = sum(fields[name].default for name in ("drain_seconds", "shutdown_grace_seconds") if name in fields)
    assert int(services["service"]["stop_grace_period"].removesuffix("s")) > needed


def compose_command() -> list[str]:
    """What runs here as compose; its `config` asks no engine."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    pytest.skip("compose is not installed: apt-get install docker-compose")


def test_compose_parses_it_and_refuses_the_example_unchanged(tmp_path: Path, example: dict[str, str]) -> None:
    command = [*compose_command(), "--file", str(COMPOSE), "--project-directory", str(ROOT), "--env-file"]
    clean = {name: value for name, value in os.environ.items() if name not in example}
    settings = tmp_path / ".env"
    settings.write_text(EXAMPLE.read_text() + "".join(f"{name}=0123456789abcdef\n" for name in REQUIRED))
    done = subprocess.run([*command, str(settings), "config"], env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) >= {"postgres", "migrate", "service", "worker"}
    refused = subprocess.run([*command, str(EXAMPLE), "config"], env=clean, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "set POSTGRES_PASSWORD in .env" in refused.stderr
