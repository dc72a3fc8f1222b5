"""`kronos backtest` as a user types it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from kronos.cli import main
from kronos.condor.worlds import World
from tests.support.chains import chain_file, quotes_at

YEAR = ("--start", "2018-01-01", "--end", "2018-12-31")
BY_VIX = ("--world", "vix_only")


def backtested(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main(["backtest", *arguments])
    shown = capsys.readouterr()
    assert done.value.code == 0, shown.err
    return shown.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main(["backtest", *arguments])
    shown = capsys.readouterr()
    assert done.value.code == 2
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    return shown.err


def test_every_table_says_that_its_money_is_modelled(capsys: pytest.CaptureFixture[str]) -> None:
    shown = backtested(capsys, *YEAR)
    titles = [line for line in shown.splitlines() if "condors, 2018" in line or "accounts of" in line]
    for title, world in zip(titles, (world for world in World for _ in ("condors", "accounts")), strict=True):
        assert f"money: {world.money}" in title
    assert titles[0].startswith("251 condors, 2018-01-02 to 2018-12-31")
    assert "ratios over all 251 sessions" in titles[1]
    for world in World:
        assert f"{world.money}: {world.meaning}." in shown


def test_the_worlds_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """At the same strikes, on the same sessions; only what the market pays differs."""
    found = json.loads(backtested(capsys, *YEAR, "--multipliers", "1", "--json"))
    assert found["worlds_left_out"] == {}
    worlds = {name: summary["by_multiplier"]["1.0"] for name, summary in found["worlds"].items()}
    assert list(worlds) == ["vix_only", "short_dated", "efficient"]
    assert {summary["sessions"] for summary in found["worlds"].values()} == {251}
    assert len({figures["mean_credit_dollars"] for figures in worlds.values()}) == 3


def test_a_world_that_cannot_be_made_is_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    touched = json.loads(backtested(capsys, *YEAR, "--management", "touch", "--json"))
    assert list(touched["worlds"]) == ["vix_only", "short_dated"]
    assert touched["worlds_left_out"] == {"efficient": "no curve prices a condor that is not held to settlement"}
    assert "no curve prices" in refused(capsys, *YEAR, "--management", "touch", "--world", "efficient")


def test_an_account_that_can_afford_no_contract_says_so_with_the_date(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "sessions.csv"
    asked = (*BY_VIX, "--multipliers", "1", "--risk-pct", "100", "--equity", "3000", "--trades", str(out))
    figures = json.loads(backtested(capsys, *asked, "--json"))["worlds"]["vix_only"]["by_multiplier"]["1.0"]
    assert figures["stopped_on"] is not None
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1257
    reasons = {row["session"]: row["why_not_traded"] for row in rows}
    first = min(session for session, reason in reasons.items() if reason == "not_affordable")
    assert first == figures["first_not_affordable_on"] <= figures["stopped_on"]
    traded = [session for session, reason in reasons.items() if not reason]
    assert len(traded) == figures["traded"]
    assert max(traded) < figures["stopped_on"]
    counted = Counter(reasons.values())
    assert counted["not_affordable"] == figures["skipped_not_affordable"] > 0
    assert counted["below_minimum_credit"] == figures["skipped_below_minimum_credit"] > 0
    assert figures["stopped_on"] in backtested(capsys, *asked)


def test_strikes_and_exits_are_named_in_what_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "sessions.csv"
    placed = ("--multipliers", "1,1.2/0.9", "--deltas", "0.1")
    leaving = ("--profit-target", "0.5", "--stop", "3", "--slippage", "0.03")
    asked = (*YEAR, *BY_VIX, *placed, *leaving)
    found = json.loads(backtested(capsys, *asked, "--trades", str(out), "--json"))["worlds"]["vix_only"]
    assert found["leaving"] == {"profit_target": 0.5, "stop": 3.0, "minute": None}
    assert list(found["by_multiplier"]) == ["1.0", "1.2/0.9", "delta 0.1"]
    for figures in found["by_multiplier"].values():
        assert figures["ended_target"] > figures["ended_stop"] > 0
        ended = sum(figures[f"ended_{reason}"] for reason in ("settled", "touch", "stop", "target", "time"))
        assert ended == figures["condors"]
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["sd_multiplier"] for row in rows} == {"1.0", "1.2/0.9", "delta 0.1"}
    assert {row["reason"] for row in rows} >= {"target", "stop"}
    assert all(row["minute"] for row in rows)
    shown = backtested(capsys, *asked)
    assert "delta 0.1" in shown
    assert "target" in shown


def test_json_holds_every_multiplier_and_the_money_that_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    summary = json.loads(backtested(capsys, *YEAR, *BY_VIX, "--json"))["worlds"]["vix_only"]
    assert summary["money"] == "modelled, VIX only"
    assert list(summary["by_multiplier"]) == [f"{m / 10:.1f}" for m in range(6, 17)]
    for figures in summary["by_multiplier"].values():
        assert figures["money"] == "modelled, VIX only"
        assert figures["condors"] + figures["skipped_below_minimum_credit"] == summary["sessions"] == 251


def test_each_flag_changes_what_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    def at_one(*flags: str) -> dict[str, float]:
        asked = (*YEAR, *BY_VIX, "--multipliers", "1", "--json", *flags)
        summary = json.loads(backtested(capsys, *asked))["worlds"]["vix_only"]
        return dict(summary["by_multiplier"]["1.0"])

    default = at_one()
    changed = {
        flags: {name for name, value in at_one(*flags).items() if value != default[name]}
        for flags in (
            ("--wing", "25"),
            ("--step", "1"),
            ("--slippage", "0.05"),
            ("--commission", "0"),
            ("--min-credit", "0.9"),
            ("--risk-pct", "3"),
            ("--max-contracts", "1"),
            ("--equity", "50000"),
            ("--management", "touch"),
            ("--dte", "5"),
        )
    }
    for flags in (("--wing", "25"), ("--step", "1"), ("--slippage", "0.05"), ("--min-credit", "0.9"), ("--dte", "5")):
        assert changed[flags] >= {"mean_credit_dollars", "mean_net_pnl_dollars", "sharpe"}, flags
    assert "mean_credit_dollars" not in changed["--commission", "0"]
    assert changed["--commission", "0"] >= {"mean_net_pnl_dollars"}
    assert changed["--management", "touch"] >= {"max_profit", "put_breached", "mean_net_pnl_dollars"}
    for flags in (("--risk-pct", "3"), ("--max-contracts", "1"), ("--equity", "50000")):
        assert "mean_net_pnl_dollars" not in changed[flags], flags
        assert changed[flags] >= {"final_equity_dollars"}, flags


def test_a_cap_of_0_trades_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*YEAR, *BY_VIX, "--max-contracts", "0", "--json")
    summary = json.loads(backtested(capsys, *asked))["worlds"]["vix_only"]
    assert {figures["traded"] for figures in summary["by_multiplier"].values()} == {0}
    assert {figures["stopped_on"] for figures in summary["by_multiplier"].values()} == {None}


def test_sessions_are_written_one_a_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "trades.csv"
    arguments = ("--start", "2018-11-20", "--end", "2018-11-27", "--dte", "1", "--multipliers", "1", *BY_VIX)
    summary = json.loads(backtested(capsys, *arguments, "--trades", str(out), "--json"))["worlds"]["vix_only"]
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == summary["by_multiplier"]["1.0"]["traded"] == 5
    before_thanksgiving = next(row for row in rows if row["session"] == "2018-11-21")
    assert (before_thanksgiving["ended"], before_thanksgiving["settles_at"]) == ("2018-11-23", "2018-11-23T13:00")
    assert {(row["world"], row["money"]) for row in rows} == {("vix_only", "modelled, VIX only")}
    total = sum(float(row["total_pnl_dollars"]) for row in rows)
    assert total == pytest.approx(summary["by_multiplier"]["1.0"]["total_pnl_dollars"], abs=0.05)
    for row in rows:
        kept = 100 * (float(row["credit_points"]) - float(row["cost_points"])) - 2.6
        assert float(row["net_pnl_dollars"]) == pytest.approx(kept, abs=0.02)


def test_a_chain_is_sold_at_its_quotes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bars = "date,spx_open,spx_high,spx_low,spx_close,vix_close,vix_open\n"
    bars += "2017-06-05,2001,2012,1995,2010,15.87,15.87\n2017-06-06,2001,2012,1985,1990,16,15.87\n"
    (tmp_path / "bars.csv").write_text(bars)
    chain = chain_file(tmp_path, *quotes_at("09:31"), *quotes_at("09:31", "2017-06-06")[1:])
    asked = ("--data", str(tmp_path / "bars.csv"), "--chains", str(chain), "--multipliers", "1", "--json")
    natural = json.loads(backtested(capsys, *asked))["worlds"]["quoted"]["by_multiplier"]["1.0"]
    assert (natural["condors"], natural["skipped_missing_strikes"], natural["money"]) == (1, 1, "quoted natural")
    assert natural["mean_credit_dollars"] == pytest.approx(95)
    summary = json.loads(backtested(capsys, *asked))
    assert summary["policy"] == []
    assert "too few sessions" in summary["policy_left_out"]
    at_mid = json.loads(backtested(capsys, *asked, "--price", "mid", "--slippage", "0.1"))
    mid = at_mid["worlds"]["quoted"]["by_multiplier"]["1.0"]
    assert (mid["mean_credit_dollars"], mid["money"]) == (pytest.approx(127.5 - 20), "quoted mid")


BAD_ARGUMENTS = {
    "wing": (["--wing", "0"], "wing width and strike step must be above 0"),
    "slippage": (["--slippage", "nan"], "slippage_points must be 0 or more, not nan"),
    "risk": (["--risk-pct", "150"], "risk_pct must be at most 100"),
    "cap": (["--max-contracts", "-1"], "max_contracts must be 0 or more"),
    "multipliers": (["--multipliers", "1,x"], "--multipliers 'x' is not a list of numbers"),
    "three sides": (["--multipliers", "1/2/3"], "--multipliers '1/2/3': a condor has two sides, put/call"),
    "a delta above a half": (["--deltas", "0.7"], "--deltas '0.7': a delta must be between 0 and 0.5"),
    "a target of everything and more": (["--profit-target", "2"], "a profit target must be above 0 and at most 1"),
    "a stop below the credit": (["--stop", "1"], "a stop must be above 1"),
    "no time": (["--exit-at", "noon"], "--exit-at 'noon' is not a time like 15:30"),
    "after the close": (["--exit-at", "17:00"], "the time of an exit must lie between 09:30 and 16:00"),
    "leaving what is touched": (["--stop", "2", "--management", "touch"], "need --management hold"),
    "no multiplier": (["--multipliers", "0"], "a multiplier must be above 0"),
    "no chain": (["--chains", "absent.csv"], "absent.csv: No such file"),
    "no folder": (["--trades", "absent/trades.csv"], "absent/trades.csv: No such file"),
}


@pytest.mark.parametrize(("arguments", "complaint"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert complaint in refused(capsys, *YEAR, *arguments)
