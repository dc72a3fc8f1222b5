"""Write `kronos/market/data/sample_2014_2018.csv`, the bundled market sample.

    python -m scripts.build_sample SPY.csv VIX9D.csv VIX3M.csv

SPX bars and VIX closes come from the data sets in PyPI's `arch`, the others from CSV files of daily bars with the
columns date, open, high, low and close. `kronos/market/data/NOTICE.md` names the sources.
"""

from __future__ import annotations

import sys
from pathlib import Path

import arch.data.sp500
import arch.data.vix
import pandas as pd

TARGET = Path(__file__).parent.parent / "kronos" / "market" / "data" / "sample_2014_2018.csv"
PRICES = ["open", "high", "low", "close"]


def main() -> None:
    """Join the bars on the sessions that have SPX and VIX."""
    spx = arch.data.sp500.load()[["Open", "High", "Low", "Close"]]
    spx.columns = [f"spx_{price}" for price in PRICES]
    vix = arch.data.vix.load().rename(columns={"vix": "vix_close"})
    sample = spx.join(vix, how="inner").dropna().round(2)
    for instrument, path in zip(("spy", "vix9d", "vix3m"), sys.argv[1:], strict=True):
        bars = pd.read_csv(path, index_col="date", parse_dates=True)[PRICES]
        sample = sample.join(bars.add_prefix(f"{instrument}_"))
    sample.to_csv(TARGET, index_label="date", lineterminator="\n")
    print(f"{TARGET.name}: {len(sample)} sessions, {sample.index[0].date()} to {sample.index[-1].date()}")


if __name__ == "__main__":
    main()
