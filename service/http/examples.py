"""One example of every message, for the OpenAPI document. Tests check them against the contract and the service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

RUN_ID = "0b0f4f0e-6d0e-4a39-8f0c-0c3b8a6f5c11"
ADVICE_ID = "6f1d2f6a-52a1-4d7b-9a54-5e1f0c7a9d21"
SHA256 = "2f1c1e0b5a0d4c6f8e7a9b3d5c1f0e2a4b6c8d0e1f3a5b7c9d0e2f4a6b8c0d1e"
METRICS = {
    "sessions": 1008,
    "base_rate": 0.845,
    "accuracy": 0.847,
    "brier": 0.119,
    "brier_skill": 0.091,
    "brier_skill_interval": [0.061, 0.12],
    "log_loss": 0.378,
    "auc": 0.71,
    "ece": 0.021,
    "ece_band": 0.03,
}
OUTCOME = {
    "bot": "ares",
    "trade_id": "2018-12-03-1",
    "trade_date": "2018-12-03",
    "outcome": "MAX_PROFIT",
    "net_pnl": 142.5,
    "features": {"vix": 16.4, "price": 2790.5},
    "sd_multiplier": 1.0,
    "advice_id": ADVICE_ID,
    "put_short_strike": 2760,
    "put_long_strike": 2750,
    "call_short_strike": 2820,
    "call_long_strike": 2830,
    "contracts": 1,
    "credit": 145.0,
}
RECORDED = {"status": "recorded", "bot": "ares", "trade_id": "2018-12-03-1", "flags": []}
RUN = {
    "run_id": RUN_ID,
    "state": "running",
    "requested_at": "2018-12-31T21:30:00Z",
    "requested_by": "operator",
    "phase": "training market",
    "progress": 0.41,
    "forced": False,
    "new_outcomes": 57,
    "figures": {},
}
MODEL = {
    "version": "1.4.0",
    "state": "champion",
    "sha256": SHA256,
    "created_at": "2018-12-31T21:32:10Z",
    "activated_at": "2018-12-31T21:32:10Z",
    "stored": True,
    "origin": "retrain",
    "metrics": METRICS,
}
BAR = {
    "date": "2018-12-31",
    "spx_open": 2498.94,
    "spx_high": 2509.24,
    "spx_low": 2482.82,
    "spx_close": 2506.85,
    "vix_open": 27.52,
    "vix_high": 29.52,
    "vix_low": 25.42,
    "vix_close": 25.42,
    "spy_open": 223.8265,
    "spy_high": 224.3915,
    "spy_low": 221.952,
    "spy_close": 224.1493,
    "vix9d_close": 28.57,
    "vix3m_close": 23.73,
}

MONEY = {"trades": 58, "total_net_pnl_dollars": 2310.0, "mean_net_pnl_dollars": 39.83}
SOLD_IN_A_WORLD = {"sessions": 3, "total_net_pnl_dollars": -412.0, "mean_net_pnl_dollars": -137.33}
PERFORMANCE = {
    "bot": "ares",
    "start": "2018-07-02",
    "end": "2018-12-31",
    "champion": "1.4.0",
    "advised": {
        "sessions": 61,
        "in_sample": 0,
        "training_unknown": 0,
        "replayed": 0,
        "model_versions": {"1.3.0": 40, "1.4.0": 21},
        "statuses": {"ok": 61},
        "reasons": {"reduced_variant": 2},
        "variants": {"full": 59, "minimal": 2},
    },
    "reported": MONEY,
    "left_out": {
        "unmatched": 1,
        "in_sample": 0,
        "training_unknown": 0,
        "label_contradicted": 1,
        "off_the_grid": 0,
        "repeated": 0,
    },
    "calibration": {
        "observations": 56,
        "sessions": 56,
        "wins": 47,
        "win_rate": 0.839,
        "mean_probability": 0.846,
        "mean_base_rate": 0.845,
        "expected_wins": 47.4,
        "expected_wins_interval": [42, 52],
        "brier": 0.128,
        "base_rate_brier": 0.135,
        "brier_skill": 0.052,
        "brier_skill_interval": [-0.08, 0.17],
        "recent_observations": 56,
        "mean_recent_rate": 0.841,
        "recent_rate_brier": 0.132,
        "brier_skill_recent": 0.03,
        "brier_skill_recent_interval": [-0.1, 0.14],
        "log_loss": 0.41,
        "base_rate_log_loss": 0.44,
        "ece": 0.06,
        "ece_band": 0.11,
        "bins": [
            {
                "count": 28,
                "mean_probability": 0.79,
                "win_rate": 0.786,
                "win_rate_low": 0.605,
                "win_rate_high": 0.898,
            },
            {
                "count": 28,
                "mean_probability": 0.9,
                "win_rate": 0.893,
                "win_rate_low": 0.728,
                "win_rate_high": 0.963,
            },
        ],
    },
    "by_advice": [
        {
            **MONEY,
            "advice": "TRADE_FULL",
            "sessions": 58,
            "scored_trades": 57,
            "win_rate": 0.842,
            "mean_probability": 0.846,
        }
    ],
    "skipped": {
        "modelled": True,
        "note": "nobody traded these sessions: one condor each, priced and settled from the daily bars",
        "sessions": 3,
        "modelled_sessions": 3,
        "not_modelled": 0,
        "win_rate": 0.667,
        "mean_probability": 0.68,
        "total_net_pnl_dollars": -412.0,
        "mean_net_pnl_dollars": -137.33,
        "worlds": [
            {**SOLD_IN_A_WORLD, "world": "vix_only", "money": "modelled, VIX only"},
            {**SOLD_IN_A_WORLD, "world": "short_dated", "money": "modelled, short-dated"},
            {**SOLD_IN_A_WORLD, "world": "efficient", "money": "modelled, efficient"},
        ],
    },
    "drift": [
        {
            "feature": "vix",
            "meaning": "VIX at entry",
            "unit": "points",
            "sessions": 61,
            "live_mean": 17.2,
            "training_mean": 14.9,
            "mean_shift": 0.6,
            "outside_range": 0.0,
            "psi": 0.31,
            "watch_above": 0.42,
            "shifted_above": 0.9,
            "verdict": "ok",
        }
    ],
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "AdviceRequest": {
        "vix": 25.4,
        "price": 2510.0,
        "day_of_week": 2,
        "as_of": "2019-01-02T09:35:00-05:00",
        "bot": "ares",
        "sd_multiplier": 1.0,
    },
    "AdviceReply": {
        "contract_version": 1,
        "advice_id": ADVICE_ID,
        "advice": "TRADE_REDUCED",
        "win_probability": 0.79,
        "base_rate": 0.845,
        "sd_multiplier": 1.0,
        "suggested_risk_pct": 2.5,
        "risk_fraction": 0.25,
        "suggested_sd_multiplier": 1.0,
        "recent_rate": 0.82,
        "wing_points": 10.0,
        "fair_credit_points": 1.28,
        "listed_fair_credit_points": 1.16,
        "breakeven_win_probability": 0.757,
        "expected_pnl_points": 0.149,
        "edge_points": 0.35,
        "quotes": [
            {
                "sd_multiplier": 1.0,
                "put_short_strike": 2465.0,
                "call_short_strike": 2555.0,
                "win_probability": 0.81,
                "credit_points": 1.51,
                "fair_credit_points": 1.16,
                "edge_points": 0.35,
                "expected_pnl_points": 0.149,
                "breakeven_win_probability": 0.757,
            }
        ],
        "curve": [
            {
                "sd_multiplier": 1.0,
                "win_probability": 0.79,
                "base_rate": 0.845,
                "fair_credit_points": 1.28,
                "breakeven_win_probability": 0.794,
            },
            {
                "sd_multiplier": 1.1,
                "win_probability": 0.82,
                "base_rate": 0.884,
                "fair_credit_points": 1.07,
                "breakeven_win_probability": 0.824,
            },
        ],
        "status": "ok",
        "reasons": ["reduced_variant"],
        "variant": "minimal",
        "variant_name": "minimal",
        "features": {
            "vix": {"value": 25.4, "source": "request"},
            "day_of_week": {"value": 2, "source": "derived"},
            "expected_move_pct": {"value": 1.6, "source": "derived"},
        },
        "base_log_odds": 1.71,
        "top_factors": [
            {"feature": "vix", "log_odds": -0.31},
            {"feature": "day_of_week", "log_odds": -0.04},
            {"feature": "expected_move_pct", "log_odds": 0.01},
        ],
        "session": "2019-01-02",
        "as_of": "2019-01-02T14:35:00Z",
        "model_version": "1.0.0",
    },
    "Outcome": OUTCOME,
    "OutcomeBatch": {"outcomes": [OUTCOME, {**OUTCOME, "trade_id": "2018-12-03-2", "net_pnl": 120.0}]},
    "OutcomeResult": RECORDED,
    "OutcomeBatchReply": {
        "results": [
            RECORDED,
            {"status": "invalid", "detail": "net_pnl: Input should be a valid number", "flags": []},
        ]
    },
    "OutcomePage": {
        "outcomes": [{**OUTCOME, "flags": [], "recorded_at": "2018-12-03T21:05:00Z", "trained_in": None}],
        "next_cursor": "AAAAAAAAAAE",
    },
    "RetrainRequest": {"min_new_samples": 50, "force": False},
    "RetrainRun": RUN,
    "RetrainNotNeeded": {"state": "not_enough_outcomes", "new_outcomes": 12, "min_new_samples": 50, "missing": 38},
    "ModelInfo": MODEL,
    "MarketDays": {"days": [BAR]},
    "MarketDaysReply": {"stored": 1, "first": "2014-01-02", "last": "2018-12-31", "sessions": 1258},
    "Performance": PERFORMANCE,
    "Alive": {"status": "alive"},
    "Ready": {"status": "ready", "model_version": "1.4.0", "market_days_through": "2018-12-31"},
}

DETAILS = {
    HTTPStatus.BAD_REQUEST: "There was an error parsing the body",
    HTTPStatus.UNAUTHORIZED: "send a valid key as `Authorization: Bearer …`",
    HTTPStatus.FORBIDDEN: "this key lacks the scope operate",
    HTTPStatus.NOT_FOUND: "there is no such run",
    HTTPStatus.CONFLICT: "the trade is already recorded with other content; the first record stays",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is over the limit of 1000000 bytes",
    HTTPStatus.UNPROCESSABLE_ENTITY: "see errors",
    HTTPStatus.TOO_MANY_REQUESTS: "this key may make 1200 requests a minute",
    HTTPStatus.INTERNAL_SERVER_ERROR: "",
    HTTPStatus.SERVICE_UNAVAILABLE: "the database is unavailable; try again",
}
PROBLEM_EXAMPLES: dict[str, dict[str, Any]] = {
    str(status.value): {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "request_id": "4d1c7f6e2a9b4c0f8e3d5a7b9c1f2e4d",
    }
    for status, detail in DETAILS.items()
}
PROBLEM_EXAMPLES["422"]["errors"] = [{"where": "body.vix", "what": "Input should be greater than or equal to 5"}]
EXAMPLES["Problem"] = PROBLEM_EXAMPLES["422"]
