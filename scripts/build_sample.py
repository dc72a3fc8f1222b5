"""Write `kronos/market/data/spx_vix_2014_2018.csv`, the bundled market sample, from the data sets in PyPI's `arch`.

    python -m scripts.build_sample

`arch` is under the NCSA licence, whose notice stands in `kronos/market/data/NOTICE.md`.
"""

from __future__ import annotations

from pathlib import Path

import arch.data.sp500
import arch.data.vix

TARGET = Path(__file__).parent.parent / "kronos" / "market" / "data" / "spx_vix_2014_2018.csv"


def main() -> None:
    """Join SPX bars and VIX closes on the sessions that have both."""
    spx = arch.data.sp500.load()[["Open", "High", "Low", "Close"]]
    spx.columns = ["spx_open", "spx_high", "spx_low", "spx_close"]
    vix = arch.data.vix.load().rename(columns={"vix": "vix_close"})
    sample = spx.join(vix, how="inner").dropna()
    sample.to_csv(TARGET, index_label="date", float_format="%.2f", lineterminator="\n")
    print(f"{TARGET.name}: {len(sample)} sessions, {sample.index[0].date()} to {sample.index[-1].date()}")


if __name__ == "__main__":
    main()
