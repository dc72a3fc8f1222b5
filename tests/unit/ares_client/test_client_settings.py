"""Settings: from arguments or variables, checked once, and saying which one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ares_client import ClientSettings, ConfigurationError


def test_every_setting_has_a_variable(tmp_path: Path) -> None:
    environ = {
        "ARES_ADVISOR_URL": "https://advisor.example:8443/ares",
        "ARES_ADVISOR_API_KEY": "k3y",
        "ARES_ADVISOR_BOT": "paper",
        "ARES_ADVISOR_DEADLINE_SECONDS": "0.5",
        "ARES_ADVISOR_OUTBOX": str(tmp_path),
        "ARES_ADVISOR_CA_FILE": str(tmp_path / "ca.pem"),
        "ARES_ADVISOR_RISK_PER_TRADE_PCT": "5",
        "ARES_ADVISOR_SD_MULTIPLIER": "1.2",
        "ARES_ADVISOR_BASE_RATE": "0.8",
    }
    assert ClientSettings.from_environment(environ) == ClientSettings(
        url="https://advisor.example:8443/ares",
        api_key="k3y",
        bot="paper",
        deadline_seconds=0.5,
        outbox=tmp_path,
        ca_file=tmp_path / "ca.pem",
        risk_per_trade_pct=5.0,
        sd_multiplier=1.2,
        base_rate=0.8,
    )
    assert {f"ARES_ADVISOR_{name.upper()}" for name in ClientSettings.__slots__} == environ.keys()


def test_the_defaults_are_the_designs(tmp_path: Path) -> None:
    settings = ClientSettings.from_environment({}, outbox=tmp_path)
    assert settings.url == "http://127.0.0.1:8000"
    assert (settings.bot, settings.api_key, settings.deadline_seconds) == ("ares", None, 2.0)
    assert (settings.risk_per_trade_pct, settings.sd_multiplier, settings.base_rate) == (10.0, 1.0, 0.70)


def test_an_argument_goes_before_its_variable_and_an_empty_variable_is_none(tmp_path: Path) -> None:
    environ = {"ARES_ADVISOR_BOT": "from-variable", "ARES_ADVISOR_API_KEY": ""}
    settings = ClientSettings.from_environment(environ, bot="given", outbox=tmp_path)
    assert (settings.bot, settings.api_key) == ("given", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "advisor:8000"),
        ("url", "ftp://advisor"),
        ("url", "http://"),
        ("url", "http://advisor:99999"),
        ("url", "http://user:pass@advisor"),
        ("url", "http://advisor?x=1"),
        ("url", "http://advisor\r\nX-Evil: 1"),
        ("url", "http://[::1"),
        ("api_key", ""),
        ("api_key", "two\nlines"),
        ("api_key", "schlüssel"),
        ("bot", ""),
        ("bot", "with space"),
        ("bot", "x" * 129),
        ("deadline_seconds", 0.0),
        ("deadline_seconds", float("nan")),
        ("deadline_seconds", float("inf")),
        ("risk_per_trade_pct", 101.0),
        ("sd_multiplier", 0.0),
        ("base_rate", 1.1),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: object) -> None:
    given: dict[str, Any] = {"outbox": tmp_path, name: value}
    with pytest.raises(ConfigurationError, match=f"ARES_ADVISOR_{name.upper()}") as refused:
        ClientSettings(**given)
    if name == "api_key" and value:
        assert str(value) not in str(refused.value)


def test_a_variable_that_is_not_a_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ARES_ADVISOR_DEADLINE_SECONDS"):
        ClientSettings.from_environment({"ARES_ADVISOR_DEADLINE_SECONDS": "soon"}, outbox=tmp_path)


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(ClientSettings(api_key="s3cret", outbox=tmp_path))


def test_bots_have_files_of_their_own_whatever_they_are_called(tmp_path: Path) -> None:
    names = ["ares", "Ares/2", "..", "a%2Fb", "a/b"]
    files = [ClientSettings(bot=name, outbox=tmp_path).outbox_file for name in names]
    assert len(set(files)) == len(names)
    assert {file.parent for file in files} == {tmp_path}


def test_the_outbox_is_state_by_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    assert ClientSettings().outbox == Path("/somewhere/state/ares-advisor")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ares")
    assert ClientSettings().outbox == Path("/home/ares/.local/state/ares-advisor")
