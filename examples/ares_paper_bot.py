"""A paper ARES: runs the integration guide's daily cycle over a file of days, with the advisor up or down.

    python examples/ares_paper_bot.py days.csv --from 2018-01-01

The file has the columns date,spx_open,spx_high,spx_low,spx_close,vix_open,vix_close; without vix_open, the VIX of
the close before stands in. Each day a condor is sold at the open and settled at the close. No money moves, and it is
no backtest: the credit is one flat assumption. Where the advisor is, and with which key, is read from
ARES_ADVISOR_URL, ARES_ADVISOR_API_KEY and so on.
"""

from __future__ import annotations

import argparse
import csv
import logging
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ares_client import MLFeatures, TradeOutcome, TradingAdvice, get_advisor, get_trading_advice

logger = logging.getLogger("ares")

NEW_YORK = ZoneInfo("America/New_York")
OPENING = time(9, 30)
SESSIONS_PER_YEAR = 252
WING_POINTS = 10.0
ASSUMED_CREDIT_POINTS = 0.95
DOLLARS_PER_POINT = 100.0
ACCOUNT_DOLLARS = 100_000.0
FLUSH_SECONDS = 30.0


@dataclass(frozen=True)
class Day:
    """One session: what is known at the open, and where it ends."""

    date: date
    spx_open: float
    vix_open: float
    spx_close: float


@dataclass(frozen=True)
class Condor:
    """A sold condor. `expected_move` in points."""

    day: Day
    expected_move: float
    sd_multiplier: float
    contracts: int
    advice_id: UUID | None

    @property
    def short_strikes(self) -> tuple[float, float]:
        """Put and call."""
        half_width = self.sd_multiplier * self.expected_move
        return self.day.spx_open - half_width, self.day.spx_open + half_width

    @property
    def outcome(self) -> TradeOutcome:
        """Which short strike the settlement has passed."""
        put, call = self.short_strikes
        if self.day.spx_close < put:
            return TradeOutcome.PUT_BREACHED
        return TradeOutcome.CALL_BREACHED if self.day.spx_close > call else TradeOutcome.MAX_PROFIT

    @property
    def net_pnl(self) -> float:
        """Dollars, on the assumed credit."""
        put, call = self.short_strikes
        passed_by = max(put - self.day.spx_close, self.day.spx_close - call, 0.0)
        points = ASSUMED_CREDIT_POINTS - min(passed_by, WING_POINTS)
        return points * DOLLARS_PER_POINT * self.contracts


@dataclass
class PaperAres:
    """Trades one day after another, as the guide has it."""

    day: Day
    tally: Counter[str] = field(default_factory=Counter)
    total_pnl: float = 0.0

    def run_daily_cycle(self) -> dict[str, Any]:
        """The guide's cycle. `as_of` is the one addition: the days are past, and the advisor must know it."""
        result: dict[str, Any] = {"actions": []}
        market_data = {"vix": self.day.vix_open, "underlying_price": self.day.spx_open}
        now = datetime.combine(self.day.date, OPENING, NEW_YORK)

        advice = get_trading_advice(
            vix=market_data["vix"],
            day_of_week=now.weekday(),
            price=market_data["underlying_price"],
            as_of=now,
        )
        self.tally[f"advice from {advice.source}"] += 1

        logger.info("%s  ML Advice: %s", self.day.date, advice.advice.value)
        logger.info("  Win Probability: %s", f"{advice.win_probability:.1%}")
        logger.info("  Suggested Risk: %s", f"{advice.suggested_risk_pct:.1f}%")

        if advice.advice == TradingAdvice.SKIP_TODAY:
            logger.info("ARES: ML advisor suggests skipping today")
            result["actions"].append(f"ML skip: {advice.win_probability:.1%} win prob")
            result["ml_advice"] = {
                "advice": advice.advice.value,
                "win_probability": advice.win_probability,
                "reason": "Low win probability",
            }
            self.tally["skipped"] += 1
            return result

        self._trade(advice.suggested_risk_pct, advice.suggested_sd_multiplier, advice.advice_id)
        result["actions"].append("traded")
        return result

    def _trade(self, risk_pct: float, sd_multiplier: float, advice_id: UUID | None) -> None:
        """Sell what the account can afford, wait for the close, and record how it ended."""
        expected_move = self.day.spx_open * self.day.vix_open / 100 / math.sqrt(SESSIONS_PER_YEAR)
        worst_loss = (WING_POINTS - ASSUMED_CREDIT_POINTS) * DOLLARS_PER_POINT
        contracts = int(ACCOUNT_DOLLARS * risk_pct / 100 / worst_loss)
        if contracts == 0:
            self.tally["too small to trade"] += 1
            return
        condor = Condor(self.day, expected_move, sd_multiplier, contracts, advice_id)
        self.tally[condor.outcome.value] += 1
        self.total_pnl += condor.net_pnl
        self._record(condor)

    def _record(self, condor: Condor) -> None:
        put, call = condor.short_strikes
        get_advisor().record_outcome(
            trade_date=condor.day.date,
            features=MLFeatures(
                vix=condor.day.vix_open,
                day_of_week=condor.day.date.weekday(),
                price=condor.day.spx_open,
                expected_move_pct=condor.expected_move / condor.day.spx_open * 100,
            ),
            outcome=condor.outcome,
            net_pnl=condor.net_pnl,
            sd_multiplier=condor.sd_multiplier,
            advice_id=condor.advice_id,
            put_short_strike=put,
            put_long_strike=put - WING_POINTS,
            call_short_strike=call,
            call_long_strike=call + WING_POINTS,
            settlement_price=condor.day.spx_close,
            contracts=condor.contracts,
        )


def read_days(file: Path, first: date, last: date) -> Iterator[Day]:
    """The days of the file from first through last.

    Raises
    ------
    ValueError
        A column is missing or a value cannot be read; the message names the line.
    """
    vix_close_before = ""
    with file.open(newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            try:
                vix_open = row.get("vix_open") or vix_close_before
                vix_close_before = row["vix_close"]
                on = date.fromisoformat(row["date"])
                if vix_open and first <= on <= last:
                    yield Day(on, float(row["spx_open"]), float(vix_open), float(row["spx_close"]))
            except KeyError as error:
                raise ValueError(f"{file}: there is no column {error}") from error
            except (TypeError, ValueError) as error:
                raise ValueError(f"{file}, line {reader.line_num}: {error}") from error


def main() -> int:
    """Trade the days and say how it went. Returns 0; 2 if the file cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("days", type=Path, help="the file of days")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date.min, help="first day")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date.max, help="last day")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        days = list(read_days(options.days, options.first, options.last))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"ares_paper_bot: {error}\n")
        return 2

    tally: Counter[str] = Counter()
    total_pnl = 0.0
    for day in days:
        bot = PaperAres(day)
        bot.run_daily_cycle()
        tally += bot.tally
        total_pnl += bot.total_pnl
    advisor = get_advisor()
    advisor.flush(FLUSH_SECONDS if tally["advice from service"] else 0.0)
    stats = advisor.stats()
    for what, count in sorted(tally.items()):
        logger.info("%6d %s", count, what)
    logger.info("%+.0f $ on an assumed credit of %.2f points", total_pnl, ASSUMED_CREDIT_POINTS)
    logger.info("%d trades wait in the outbox, %d are in quarantine", stats.pending, stats.quarantined)
    return 0


if __name__ == "__main__":
    sys.exit(main())
