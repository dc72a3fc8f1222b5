"""SQL for the daily bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kronos.market.history import COLUMNS, OPTIONAL_COLUMNS, MarketHistory, family_of
from kronos.market.sessions import as_date
from kronos.market.sources.source import PRICES
from service.db.tables import MarketDayRow

ROWS_PER_STATEMENT = 1_000


class MarketDayRepository:
    """Daily bars within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def upsert(self, bars: Sequence[dict[str, Any]]) -> None:
        """Insert or replace bars, keyed by `session`, each instrument as a whole.

        An optional instrument of which every value is None stays as it is stored.
        """
        for start in range(0, len(bars), ROWS_PER_STATEMENT):
            statement = insert(MarketDayRow).values(bars[start : start + ROWS_PER_STATEMENT])
            replaced = {name: _replaced(statement, name) for name in COLUMNS}
            await self._session.execute(
                statement.on_conflict_do_update(
                    index_elements=[MarketDayRow.session],
                    set_={**replaced, "updated_at": func.clock_timestamp()},
                )
            )

    async def extent(self) -> tuple[date | None, date | None, int]:
        """The first session, the last session, and the number of sessions."""
        row = (
            await self._session.execute(
                select(func.min(MarketDayRow.session), func.max(MarketDayRow.session), func.count())
            )
        ).one()
        return row[0], row[1], row[2]

    async def fingerprint(self) -> tuple[int, datetime | None]:
        """A value that changes whenever a bar does."""
        row = (await self._session.execute(select(func.count(), func.max(MarketDayRow.updated_at)))).one()
        return row[0], row[1]

    async def history(self) -> MarketHistory | None:
        """Every bar."""
        columns = [getattr(MarketDayRow, name) for name in COLUMNS]
        rows = (
            await self._session.execute(select(MarketDayRow.session, *columns).order_by(MarketDayRow.session))
        ).all()
        if not rows:
            return None
        days = np.array([row[0] for row in rows], dtype="datetime64[D]")
        values = np.array([row[1:] for row in rows], dtype=np.float64)
        return MarketHistory.from_bars(days, {name: values[:, at] for at, name in enumerate(COLUMNS)})


def _replaced(statement: Insert, name: str) -> ColumnElement[float | None]:
    """What a stored value becomes.

    The prices of one bar belong together: half of them from one source and half from another would be no bar.
    """
    given, family = statement.excluded[name], family_of(name)
    if family.required and name not in OPTIONAL_COLUMNS:
        return given
    prices = [statement.excluded[f"{family.name}_{price}"] for price in PRICES]
    if family.required:
        return func.coalesce(given, getattr(MarketDayRow, name))
    return case((func.coalesce(*prices).is_(None), getattr(MarketDayRow, name)), else_=given)


def bars_of(history: MarketHistory) -> list[dict[str, Any]]:
    """The sessions of a history that have a bar, in the form that `MarketDayRepository.upsert` takes."""
    return [
        {"session": as_date(history.sessions[at])}
        | {name: None if np.isnan(column[at]) else float(column[at]) for name, column in history.columns.items()}
        for at in np.flatnonzero(history.has_bar)
    ]
