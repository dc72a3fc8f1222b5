"""SQL that finds the advice a reported trade followed, and with it the multiplier that was traded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Join, and_, func, outerjoin, select
from sqlalchemy.orm import aliased

from kronos.condor import DEFAULT_SD_MULTIPLIER
from service.db.tables import AdviceRow, OutcomeRow


def followed_advice() -> tuple[type[AdviceRow], Join]:
    """Outcomes beside the advice each followed, absent where none is in the log.

    It is the advice that the trade names, if that was for this bot and session; else the first that this bot was
    given for the session, and before the trade was recorded: later answers know more of the day than the entry did.
    """
    named, first, advice = aliased(AdviceRow), aliased(AdviceRow), aliased(AdviceRow)
    first_id = (
        select(first.advice_id)
        .where(
            first.bot == OutcomeRow.bot,
            first.session == OutcomeRow.trade_date,
            answered(first) <= OutcomeRow.recorded_at,
        )
        .order_by(answered(first))
        .limit(1)
        .correlate(OutcomeRow)
        .scalar_subquery()
    )
    is_named = and_(
        named.advice_id == OutcomeRow.advice_id, named.bot == OutcomeRow.bot, named.session == OutcomeRow.trade_date
    )
    beside_named = outerjoin(OutcomeRow, named, is_named)
    return advice, outerjoin(beside_named, advice, advice.advice_id == func.coalesce(named.advice_id, first_id))


def traded_sd_multiplier(advice: type[AdviceRow]) -> ColumnElement[float]:
    """As reported; else as the advice suggested, which is what the guide's bot trades; else the bot's default."""
    suggested = advice.reply["suggested_sd_multiplier"].as_float()
    return func.coalesce(OutcomeRow.sd_multiplier, suggested, DEFAULT_SD_MULTIPLIER)


def answered(advice: Any) -> ColumnElement[Any]:
    """When advice was given; of rows older than that column, when it was written."""
    return func.coalesce(advice.answered_at, advice.logged_at)
