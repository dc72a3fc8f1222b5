"""Representative rows of every table at every revision: what a database holds when an upgrade meets it.

A new revision needs an entry of its own in `ROWS`, which says what its tables hold before the next one. Values that
PostgreSQL has no literal of in JSON are text: `\\x…` for bytes, `{a,b}` for arrays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from kronos.model.artefact import identity
from kronos.model.model import Model
from service.replica.keyring import digest

Rows = dict[str, list[dict[str, Any]]]

RUN, ASKED_RUN = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ADVICE_ID, FORGOTTEN_ADVICE_ID = "33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"
TOKEN = "ares_0123456789ab_a-secret-that-was-made-before-the-upgrade"
CHAMPION, REFUSED = "1.1.0", "1.0.0"

REPLY = {
    "advice": "TRADE_REDUCED",
    "win_probability": 0.8125,
    "base_rate": 0.83,
    "sd_multiplier": 1.0,
    "suggested_risk_pct": 5.5,
    "suggested_sd_multiplier": 1.1,
    "curve": [
        {"sd_multiplier": 1.0, "win_probability": 0.8125, "base_rate": 0.83},
        {"sd_multiplier": 1.1, "win_probability": 0.875, "base_rate": 0.86},
    ],
    "status": "ok",
    "reasons": ["reduced_variant"],
    "variant": "minimal",
    "features": {"vix": {"value": 25.4, "source": "request"}, "day_of_week": {"value": 0.0, "source": "derived"}},
    "base_log_odds": 1.5,
    "top_factors": [{"feature": "vix", "log_odds": -0.25}],
    "session": "2026-11-02",
    "as_of": "2026-11-02T15:30:00Z",
}


def of_0001(artefact: bytes) -> Rows:
    """The first tables: advice, bars, a finished and a queued run, outcomes, two models and the job queue."""
    manifest = dict(Model.from_bytes(artefact).manifest)
    stamped = "2026-11-02T15:30:00+00:00"
    return {
        "advice_log": [
            {
                "advice_id": advice_id,
                "bot": "ares",
                "as_of": stamped,
                "session": "2026-11-02",
                "price": 2510.25,
                "vix": 25.4,
                "sd_multiplier": 1.0,
                "advice": "TRADE_REDUCED",
                "win_probability": 0.8125,
                "base_rate": 0.83,
                "model_version": version,
                "reply": REPLY | {"advice_id": advice_id, "model_version": version},
                "logged_at": stamped,
            }
            for advice_id, version in ((ADVICE_ID, CHAMPION), (FORGOTTEN_ADVICE_ID, "0.9.0"))
        ],
        "market_days": [
            {
                "session": session,
                "spx_open": 2500.5,
                "spx_high": 2520.25,
                "spx_low": 2490.75,
                "spx_close": 2510.0,
                "vix_open": None,
                "vix_high": None,
                "vix_low": None,
                "vix_close": 25.42,
                "updated_at": stamped,
            }
            for session in ("2018-12-28", "2018-12-31")
        ],
        "retrain_runs": [
            {
                "run_id": RUN,
                "job_id": 1,
                "requested_at": stamped,
                "forced": False,
                "min_new_samples": 50,
                "new_outcomes": 61,
                "verdict": "promoted",
                "reason": None,
                "model_version": CHAMPION,
                "metrics": None,
                "figures": {"trades_checked": 61},
                "finished_at": stamped,
            },
            {
                "run_id": ASKED_RUN,
                "job_id": 2,
                "requested_at": "2026-11-03T15:30:00+00:00",
                "forced": True,
                "min_new_samples": 0,
                "new_outcomes": 0,
                "figures": {},
            },
        ],
        "ares_ml_outcomes": [
            {
                "id": number,
                "bot": "ares",
                "trade_id": f"t-{number}",
                "content_sha256": "\\x" + hashlib.sha256(str(number).encode()).hexdigest(),
                "trade_date": "2018-12-03",
                "outcome": outcome,
                "net_pnl": "-857.1234",
                "features": {"vix": 16.44, "avg_pnl_30d": None},
                "sd_multiplier": 1.2,
                "advice_id": ADVICE_ID,
                "put_short_strike": 2400.0,
                "settlement_price": 2395.5,
                "contracts": 3,
                "credit": "95.2500",
                "flags": "{label_contradicted}",
                "recorded_at": stamped,
                "trained_in": trained_in,
            }
            for number, outcome, trained_in in ((1, "MAX_PROFIT", RUN), (2, "DOUBLE_BREACH", None))
        ],
        "model_versions": [
            {
                "version": version,
                "major": 1,
                "minor": minor,
                "sha256": sha256,
                "state": state,
                "origin": "retrain" if minor else "upload",
                "created_at": stamped,
                "activated_at": stamped if state == "champion" else None,
                "manifest": manifest,
                "metrics": None,
                "artefact": "\\x" + content.hex(),
                "run_id": RUN if minor else None,
            }
            for version, minor, sha256, state, content in (
                (REFUSED, 0, "0" * 64, "refused", b"refused"),
                (CHAMPION, 1, identity(artefact), "champion", artefact),
            )
        ],
        "pgqueuer": [
            {
                "id": 2,
                "priority": 0,
                "created": stamped,
                "updated": stamped,
                "heartbeat": stamped,
                "execute_after": "2100-01-01T00:00:00+00:00",
                "status": "queued",
                "entrypoint": "retrain",
                "payload": "\\x" + ASKED_RUN.replace("-", ""),
                "attempts": 1,
            }
        ],
        "pgqueuer_log": [
            {"id": 1, "created": stamped, "job_id": 1, "status": "successful", "priority": 0, "entrypoint": "retrain"}
        ],
        "pgqueuer_statistics": [
            {"id": 1, "created": stamped, "count": 1, "priority": 0, "status": "successful", "entrypoint": "retrain"}
        ],
        "pgqueuer_schedules": [
            {
                "id": 1,
                "expression": "0 3 * * 6",
                "entrypoint": "retrain_on_schedule",
                "heartbeat": stamped,
                "created": stamped,
                "updated": stamped,
                "next_run": stamped,
                "status": "queued",
            }
        ],
    }


def of_0002(artefact: bytes) -> Rows:
    """Keys, progress, who asked, when it was answered, and a version whose bytes were let go."""
    rows = of_0001(artefact)
    rows["api_keys"] = [
        {
            "key_id": TOKEN.split("_")[1],
            "name": "quant",
            "bot": None,
            "scopes": "{read,outcomes}",
            "secret_sha256": "\\x" + digest(TOKEN).hex(),
            "created_at": "2026-11-02T15:30:00+00:00",
            "revoked_at": None,
        }
    ]
    rows["retrain_runs"][0] |= {"requested_by": "quant", "phase": "writing", "progress": 1.0}
    rows["advice_log"][0] |= {"trained_through": "2018-12-31", "answered_at": "2026-11-02T15:29:59.5+00:00"}
    rows["model_versions"][0]["artefact"] = None
    return rows


def of_0003(artefact: bytes) -> Rows:
    """Bars of the instruments beside SPX and VIX."""
    rows = of_0002(artefact)
    rows["market_days"][0] |= {
        f"{instrument}_{price}": value
        for instrument, value in (("spy", 249.92), ("vix9d", 27.5), ("vix3m", 24.25), ("vix1d", None))
        for price in ("open", "high", "low", "close")
    }
    rows["model_versions"][1]["silenced_variants"] = "{minimal}"
    return rows


ROWS: Mapping[str, Callable[[bytes], Rows]] = {"0001": of_0001, "0002": of_0002, "0003": of_0003}

# Referenced before referring.
INSERTED_FIRST = ("retrain_runs",)


async def insert(connection: asyncpg.Connection[Any], rows: Rows) -> None:
    """Put the rows in, as they are, ids too; the sequences go on after them."""
    for name in sorted(rows, key=lambda table: (table not in INSERTED_FIRST, table)):
        columns = sorted({column for row in rows[name] for column in row})
        names = ", ".join(columns)
        for row in rows[name]:
            given = ", ".join(column for column in columns if column in row)
            await connection.execute(
                f"INSERT INTO {name} ({given}) OVERRIDING SYSTEM VALUE "
                f"SELECT {given} FROM jsonb_populate_record(NULL::{name}, $1::jsonb)",
                json.dumps(row),
            )
        assert names
        if "id" in columns:
            await connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
            )
