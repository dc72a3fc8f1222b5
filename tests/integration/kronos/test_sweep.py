"""A grid of specs into one tidy table, on local cores and on a real Dask cluster."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster, Scheduler

from kronos.backtest import backtest
from kronos.backtest.sweep import SweepMarket, SweepPoint, grid, sweep, write_rows
from kronos.cli import main
from kronos.condor.costs import Costs
from kronos.condor.spec import CondorSpec
from kronos.errors import KronosError, MarketDataError
from kronos.market.history import MarketHistory
from tests.support.bars import bars

GRID: dict[str, list[Any]] = {"entry": ["open", "close"], "dte_sessions": [0, 1], "slippage_points": [0.1, 0.15]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes on loopback."""
    with started(workers=2) as running:
        yield running


def started(workers: int) -> LocalCluster:
    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )


def scheduler_of(cluster: LocalCluster) -> Scheduler:
    assert isinstance(cluster.scheduler, Scheduler)
    return cluster.scheduler


def finished_on(cluster: LocalCluster) -> int:
    """Backtests that the cluster's workers have finished so far."""
    prefixes = scheduler_of(cluster).task_prefixes
    return sum(prefix.state_counts["memory"] for name, prefix in prefixes.items() if "_run" in name)


def kronos_sweep(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "kronos", "sweep", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_grid_is_every_combination_that_is_a_trade() -> None:
    points = grid(GRID)
    assert len(points) == 6
    assert {(point.spec.entry, point.spec.dte_sessions) for point in points} == {("open", 0), ("open", 1), ("close", 1)}
    assert [point.costs.slippage_points for point in points[:2]] == [0.1, 0.15]
    assert grid({"entry": ["close"]})[0].spec.dte_sessions == 1
    assert grid({}) == [SweepPoint(CondorSpec())]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"entry": ["close"], "dte_sessions": [0]}, "nothing to sweep"),
        ({"wing_width_points": [10.0, 0.0]}, "wing width"),
        ({"risk_pct": [101.0]}, "risk_pct must be at most 100"),
    ],
)
def test_a_grid_of_no_trades_is_refused(values: dict[str, list[Any]], complaint: str) -> None:
    with pytest.raises(KronosError, match=complaint):
        grid(values)


def test_each_row_is_the_backtest_of_its_spec(sample: MarketHistory) -> None:
    ticks: list[tuple[int, int]] = []
    market = SweepMarket(sample, sd_multipliers=(0.8, 1.0))
    rows = sweep(market, grid(GRID), progress=lambda done, of: ticks.append((done, of)))
    assert ticks == [(count, 6) for count in range(1, 7)]
    assert len(rows) == 24
    assert {len(row) for row in rows} == {len(rows[0])}
    row = next(row for row in rows if row["entry"] == "close" and row["slippage_points"] == 0.1)
    assert row["world"] == "vix_only"
    single = backtest(sample, CondorSpec("close", 1), Costs(slippage_points=0.1), sd_multipliers=(0.8, 1.0))
    figures = next(single.figures())
    assert {name: row[name] for name in figures} == figures
    assert {row["money"] for row in rows} == {"modelled, VIX only", "modelled, short-dated"}


def test_two_processes_give_the_same_rows_in_the_same_order(sample: MarketHistory) -> None:
    market = SweepMarket(sample.slice(0, 300), sd_multipliers=(1.0,))
    assert sweep(market, grid(GRID), jobs=2) == sweep(market, grid(GRID), jobs=1)


def test_the_table_reads_back_from_csv_and_parquet(sample: MarketHistory, tmp_path: Path) -> None:
    rows = sweep(SweepMarket(sample.slice(0, 100), sd_multipliers=(1.0, 3.0)), grid({"max_contracts": [0, 5]}))
    write_rows(rows, tmp_path / "sweep.parquet")
    assert pq.read_table(tmp_path / "sweep.parquet").to_pylist() == rows
    write_rows(rows, tmp_path / "sweep.csv")
    with (tmp_path / "sweep.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [float(row["final_equity_dollars"]) for row in read] == [row["final_equity_dollars"] for row in rows]
    assert [row["sharpe"] for row in read if row["max_contracts"] == "0"] == [""] * 4
    with pytest.raises(KronosError, match=r"must be a \.csv or \.parquet file"):
        write_rows(rows, tmp_path / "sweep.xlsx")


def test_a_point_that_cannot_be_run_stops_the_sweep_with_its_reason() -> None:
    stale = bars([2000.0] * 30)
    with pytest.raises(MarketDataError, match="printed opens lag"):
        sweep(SweepMarket(stale), grid({"entry": ["close", "open"]}), jobs=2)


def test_a_dask_cluster_gives_the_same_rows(cluster: LocalCluster, sample: MarketHistory) -> None:
    market = SweepMarket(sample.slice(0, 300), sd_multipliers=(1.0,))
    ticks: list[int] = []
    before = finished_on(cluster)
    rows = sweep(
        market, grid(GRID), dask_address=cluster.scheduler_address, progress=lambda done, of: ticks.append(done)
    )
    assert rows == sweep(market, grid(GRID))
    assert ticks == [1, 2, 3, 4, 5, 6]
    assert finished_on(cluster) == before + 6


def test_the_command_runs_on_a_dask_cluster_of_two_workers(cluster: LocalCluster, tmp_path: Path) -> None:
    out, before = tmp_path / "sweep.parquet", finished_on(cluster)
    assert len(scheduler_of(cluster).workers) == 2
    result = kronos_sweep(
        *("--dask", cluster.scheduler_address, "--wing", "5,10,25", "--dte", "0,1"),
        *("--multipliers", "0.8,1", "--start", "2016-01-01", "--out", str(out)),
    )
    assert result.returncode == 0, result.stderr
    assert pq.read_table(out).num_rows == 24
    assert finished_on(cluster) == before + 6


def swept(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main(["sweep", *arguments])
    shown = capsys.readouterr()
    assert done.value.code == 0, shown.err
    return shown.out


def test_the_command_prints_a_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--entry", "open,close", "--wing", "10,25", "--multipliers", "1", "--start", "2018-01-01", "--jobs", "1")
    table = swept(capsys, *asked)
    assert "8 backtests" in table
    assert table.count("modelled") == 8
    rows = json.loads(swept(capsys, *asked, "--json"))
    assert [(row["entry"], row["wing_width_points"]) for row in rows] == [
        (entry, wing) for entry in ("open", "close") for wing in (10, 25) for _ in ("vix_only", "short_dated")
    ]


BAD_ARGUMENTS = {
    "nobody there": (["--dask", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
    "no address": (["--dask", "nonsense://x"], "no Dask scheduler answers at nonsense://x"),
    "entry": (["--entry", "open,noon"], "--entry 'noon' is not one of open, close"),
    "dte": (["--dte", "0,1.5"], "--dte '0,1.5' is not a list of whole numbers"),
    "wing": (["--wing", "ten"], "--wing 'ten' is not a list of numbers"),
    "file": (["--out", "sweep.xlsx"], "must be a .csv or .parquet file"),
}


@pytest.mark.parametrize(("arguments", "complaint"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.setattr("kronos.backtest.sweep.CONNECT_SECONDS", 0.5)
    with pytest.raises(SystemExit) as done:
        main(["sweep", *arguments])
    shown = capsys.readouterr()
    assert (done.value.code, shown.out) == (2, "")
    assert len(shown.err.strip().splitlines()) == 1
    assert complaint in shown.err


def test_a_cluster_without_workers_is_refused(sample: MarketHistory) -> None:
    with started(workers=0) as empty, pytest.raises(KronosError, match="has no workers"):
        sweep(SweepMarket(sample), grid({}), dask_address=empty.scheduler_address)
