"""Write `kronos/market/data/exchange_days.csv` from `exchange_calendars`: NYSE weekday closures and half days.

    python -m scripts.build_sessions [LAST_YEAR]

Every weekday between the rows `first` and `last` that is not listed as closed is a session.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import exchange_calendars
import pandas as pd

TARGET = Path(__file__).parent.parent / "kronos" / "market" / "data" / "exchange_days.csv"
FIRST = "1990-01-02"


def main() -> None:
    """Ask the calendar and write the list."""
    last_year = int(sys.argv[1]) if len(sys.argv) > 1 else 2030
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=f"{last_year}-12-31")
    weekdays = pd.bdate_range(calendar.first_session, calendar.last_session)
    kinds = dict.fromkeys(weekdays.difference(calendar.sessions), "closed")
    kinds |= dict.fromkeys(calendar.early_closes, "early_close")
    with TARGET.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "kind"])
        writer.writerow([calendar.first_session.date(), "first"])
        writer.writerows([day.date(), kinds[day]] for day in sorted(kinds))
        writer.writerow([calendar.last_session.date(), "last"])
    print(f"{TARGET.name}: {len(calendar.sessions)} sessions to {calendar.last_session.date()}")


if __name__ == "__main__":
    main()
