"""Join files of daily bars to one history that `kronos` reads.

    python -m scripts.join_bars OUT.csv BARS.csv spy=SPY.csv vix9d=VIX9D.csv vix3m=VIX3M.csv

BARS.csv holds SPX and VIX as `kronos` reads them, each other file the columns date, open, high, low and close.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kronos.market.csv_file import read_market_csv, write_market_csv
from kronos.market.history import MarketHistory
from kronos.market.sources.daily_csv import parse_daily_csv
from kronos.market.sources.source import PRICES


def joined(bars: MarketHistory, others: dict[str, Path]) -> MarketHistory:
    """The bars with those of other instruments beside them."""
    columns = bars.columns
    for instrument, path in others.items():
        prices = parse_daily_csv(path.read_bytes()).on(bars.sessions)
        columns |= {f"{instrument}_{price}": prices[:, at] for at, price in enumerate(PRICES)}
    return MarketHistory(bars.sessions, columns)


def main() -> None:
    """Join the files named on the command line."""
    out, bars, *others = sys.argv[1:]
    named = dict(other.split("=", 1) for other in others)
    history = joined(read_market_csv(Path(bars)), {name: Path(path) for name, path in named.items()})
    write_market_csv(history, Path(out))
    print(f"{out}: {history.has_bar.sum()} sessions, {history.sessions[0]} to {history.sessions[-1]}")


if __name__ == "__main__":
    main()
