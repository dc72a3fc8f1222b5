"""A service with a past: a model trained to mid-2018, advice asked on the sessions after, trades reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kronos.market.sessions import NEW_YORK, as_date
from kronos.training.rows import TrainingRows
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService

MULTIPLIERS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)


def ask(service: RunningService, rows: TrainingRows, at: int, **more: Any) -> dict[str, Any]:
    """Advice at 09:35 on the session of a row."""
    entry = datetime.combine(as_date(rows.sessions[at]), datetime.min.time().replace(hour=9, minute=35), NEW_YORK)
    question = {"as_of": entry.isoformat(), "price": float(rows.price[at]), "vix": float(rows.vix[at])}
    reply = service.request("POST", "/advice", question | more)
    assert reply.status == 200, reply.data
    answer: dict[str, Any] = reply.json()
    return answer


def trade(rows: TrainingRows, at: int, sd_multiplier: float = 1.0, **more: Any) -> dict[str, Any]:
    """An honest report of the session's condor at a multiplier of the grid."""
    won = bool(rows.labels[at, MULTIPLIERS.index(sd_multiplier)])
    return {
        "trade_id": f"t-{rows.sessions[at]}-{sd_multiplier}",
        "trade_date": str(rows.sessions[at]),
        "outcome": "MAX_PROFIT" if won else "PUT_BREACHED",
        "net_pnl": 95.25 if won else -905.5,
        "sd_multiplier": sd_multiplier,
    } | more


def report(service: RunningService, trades: list[dict[str, Any]]) -> None:
    """Report trades in batches; all are recorded."""
    for start in range(0, len(trades), 100):
        reply = service.request("POST", "/outcomes", {"outcomes": trades[start : start + 100]})
        assert {result["status"] for result in reply.json()["results"]} == {"recorded"}


def logged(service: RunningService, count: int) -> None:
    """Wait until so many answers are in the log, which is written behind."""
    wait_until(lambda: query(service.database_url, "SELECT count(*) AS n FROM advice_log")[0]["n"] >= count)
