"""Backtest a grid of specs, on local cores or a Dask cluster, into one table: one row per spec, world and multiplier.

The efficient world is not among them: its credits come of a walk-forward, which every spec would need for itself.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np

from kronos.backtest import BY_SHORT_DATED, BY_VIX, Prices, backtest
from kronos.backtest.quotes import Chains
from kronos.condor.costs import DEFAULT_COSTS, DEFAULT_LIMITS, AccountLimits, Costs
from kronos.condor.spec import DEFAULT_SOLD_AT, SD_MULTIPLIERS, CondorSpec, SoldAt, shortest_dte
from kronos.errors import KronosError
from kronos.market.history import MarketHistory
from kronos.progress import Progress

CONNECT_SECONDS = 10
DEFAULT_ENTRY = CondorSpec().entry
SweepRow = dict[str, Any]
Part = TypeVar("Part", CondorSpec, Costs, AccountLimits)


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One point of a grid."""

    spec: CondorSpec
    costs: Costs = DEFAULT_COSTS
    limits: AccountLimits = DEFAULT_LIMITS


@dataclass(frozen=True, eq=False)
class SweepMarket:
    """The market that every point of a sweep is run on.

    Attributes
    ----------
    start, end : first and last entry
    chains : real quotes to sell at; without them the credit is modelled, by VIX and by the short-dated index
    sold_at : sell at the natural or at the mid price of the chains
    """

    history: MarketHistory
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    sd_multipliers: tuple[float, ...] = SD_MULTIPLIERS
    chains: Chains | None = None
    sold_at: SoldAt = DEFAULT_SOLD_AT


def grid(values: Mapping[str, Sequence[Any]]) -> list[SweepPoint]:
    """Every combination of the given values for fields of `CondorSpec`, `Costs` and `AccountLimits`, by name.

    `dte_sessions` defaults to the shortest that the entry allows. Combinations with a shorter one are left out.

    Raises
    ------
    KronosError
        If a value is out of range, or no combination is left.
    """
    points = []
    for combination in itertools.product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        shortest = shortest_dte(chosen.get("entry", DEFAULT_ENTRY))
        if chosen.setdefault("dte_sessions", shortest) < shortest:
            continue
        try:
            point = SweepPoint(_made(CondorSpec, chosen), _made(Costs, chosen), _made(AccountLimits, chosen))
        except ValueError as error:
            raise KronosError(str(error)) from error
        points.append(point)
    if not points:
        raise KronosError("nothing to sweep: an entry at the close needs dte_sessions of at least 1")
    return points


def _made(part: type[Part], chosen: Mapping[str, Any]) -> Part:
    names = {field.name for field in fields(part)}
    return part(**{name: value for name, value in chosen.items() if name in names})


def sweep(
    market: SweepMarket,
    points: Sequence[SweepPoint],
    *,
    jobs: int = 1,
    dask_address: str | None = None,
    progress: Progress | None = None,
) -> list[SweepRow]:
    """Backtest every point, in order.

    Parameters
    ----------
    jobs : number of local processes; ignored with `dask_address`
    dask_address : such as `tcp://scheduler:8786`; its workers must have this package installed
    progress : called with the number of points done and the total

    Returns
    -------
    One flat record per point, world and multiplier: the point's fields, then the figures of `Backtest.figures`.

    Raises
    ------
    KronosError
        If a point cannot be run, or the cluster cannot be reached.
    """
    rows: list[SweepRow] = []
    with _backend(dask_address, market):
        parallel = joblib.Parallel(n_jobs=-1 if dask_address else jobs, return_as="generator")
        done = parallel(joblib.delayed(_run)(market, point) for point in points)
        for count, figures in enumerate(done, start=1):
            rows += figures
            if progress is not None:
                progress(count, len(points))
    return rows


def write_rows(rows: Sequence[SweepRow], path: Path) -> None:
    """Write the table as CSV or Parquet, depending on the name's ending.

    Raises
    ------
    KronosError
        If the name has another ending, or the file cannot be written.
    """
    require_table_name(path)
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow as pa  # noqa: PLC0415  slow to load, and seldom needed
            import pyarrow.parquet  # noqa: PLC0415

            pyarrow.parquet.write_table(pa.Table.from_pylist(list(rows)), path)
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise KronosError(f"{path}: {error.strerror or error}") from error


def require_table_name(path: Path) -> None:
    """Refuse a name that ends in neither .csv nor .parquet.

    Raises
    ------
    KronosError
    """
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise KronosError(f"{path}: the table must be a .csv or .parquet file")


def _run(market: SweepMarket, point: SweepPoint) -> list[SweepRow]:
    offered: tuple[Prices, ...] = (BY_VIX, BY_SHORT_DATED)
    if market.chains is not None:
        offered = (market.chains.at_entry(point.spec.entry, market.sold_at),)
    return [row for prices in offered for row in _rows(market, point, prices)]


def _rows(market: SweepMarket, point: SweepPoint, prices: Prices) -> list[SweepRow]:
    result = backtest(
        market.history,
        point.spec,
        point.costs,
        point.limits,
        sd_multipliers=market.sd_multipliers,
        start=market.start,
        end=market.end,
        prices=prices,
    )
    about = asdict(point.spec) | asdict(point.costs) | asdict(point.limits)
    sessions = {
        "first": str(result.sessions[0]),
        "last": str(result.sessions[-1]),
        "sessions": len(result.sessions),
        "sessions_left_out": result.prices.left_out,
        "world": prices.source,
    }
    return [about | sessions | figures for figures in result.figures()]


@contextmanager
def _backend(dask_address: str | None, market: SweepMarket) -> Iterator[None]:
    if dask_address is None:
        with joblib.parallel_config(backend="loky"):
            yield
        return
    try:
        from distributed import Client  # noqa: PLC0415  an extra
    except ImportError as error:
        raise KronosError("--dask needs the `dask` extra: pip install 'ares-ml-advisor[dask]'") from error
    try:
        client: Any = Client(dask_address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise KronosError(f"no Dask scheduler answers at {dask_address}") from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise KronosError(f"the Dask cluster at {dask_address} has no workers")
        with joblib.parallel_config(backend="dask", client=client, scatter=[market]):
            yield
