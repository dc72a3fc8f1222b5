"""The guide's bot with the client of the first contract: prints what it was told, as one JSON line.

    python -m tests.support.old_client WHEEL TRADE_DATE

It runs in a process of its own, whose `ares_client` is the one inside the wheel.
"""

from __future__ import annotations

import json
import sys

sys.path.insert(0, sys.argv[1])

import ares_client
from ares_client import get_advisor, get_trading_advice


def main() -> None:
    """Ask for advice, report the trade, ask for a retraining."""
    advice = get_trading_advice(vix=25.4, day_of_week=2, price=2510.0)
    advisor = get_advisor()
    advisor.record_outcome(
        features={"vix": 25.4},
        trade_id="old-1",
        trade_date=sys.argv[2],
        outcome="MAX_PROFIT",
        net_pnl=95.0,
        sd_multiplier=1.0,
    )
    delivered = advisor.flush(60.0)
    metrics = advisor.retrain_from_outcomes(min_new_samples=1_000)
    sys.stdout.write(
        json.dumps(
            {
                "client": ares_client.__file__,
                "source": str(advice.source),
                "win_probability": advice.win_probability,
                "delivered": bool(delivered),
                "retrained": metrics is not None,
            }
        )
    )


if __name__ == "__main__":
    main()
