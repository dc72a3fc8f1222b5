"""A bot that runs the guide's passages, handed to it as text, at the commands it reads from stdin.

Each line is a JSON list of a passage number and its position, if any; each answer is a line of JSON.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Ares:
    """What the passages expect of `self`."""

    tz = UTC
    config = SimpleNamespace(risk_per_trade_pct=10.0, sd_multiplier=1.0)
    win_count, trade_count, total_pnl = 70, 100, 4200.0

    def get_current_market_data(self) -> dict[str, float]:
        return {"vix": 13.0, "underlying_price": 2500.0}


def main(passages: list[str]) -> None:
    said = io.StringIO()
    logging.basicConfig(stream=said, level=logging.INFO, format="%(message)s")
    ares = Ares()
    scope: dict[str, Any] = {
        "self": ares,
        "datetime": datetime,
        "logger": logging.getLogger("ares"),
        "Dict": dict,
    }
    for line in sys.stdin:
        number, position = json.loads(line)
        said.truncate(0)
        said.seek(0)
        printed = io.StringIO()
        scope |= {"result": {"actions": []}, "position": SimpleNamespace(**(position or {}))}
        with redirect_stdout(printed):
            exec(passages[number], scope)
            if number == 0:
                scope["run_daily_cycle"](ares)
        answer = {
            "log": said.getvalue(),
            "printed": printed.getvalue(),
            "result": scope["result"],
            "pending": scope["get_advisor"]().stats().pending if "get_advisor" in scope else 0,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
