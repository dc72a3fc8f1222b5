"""`AsyncAdvisor`: the same client for bots that run in an event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from ares_client._http.operations import CALL_SECONDS, DEFAULT_MIN_NEW_SAMPLES
from ares_client.advisor import LONGEST_RETRAINING_SECONDS, Advisor, OutboxStats, RecordedOutcome

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from uuid import UUID

    from typing_extensions import Unpack

    from ares_client._advice.advice import Advice
    from ares_client._advice.request import AdviceOptions
    from ares_client._http.retraining import RetrainMetrics
    from ares_client._outbox.outcomes import MLFeatures, TradeDetails
    from ares_client._values import DateLike, Number
    from ares_client.contract import (
        MarketDay,
        MarketDaysReply,
        ModelInfo,
        RetrainNotNeeded,
        RetrainRun,
        TradeOutcome,
    )
    from ares_client.settings import ClientSettings

P = ParamSpec("P")
T = TypeVar("T")


class AsyncAdvisor:
    """An `Advisor` whose calls are awaited. Each method does the same as its namesake on `Advisor`.

    Cancelling a request for advice abandons it. Every other call runs to its end even if its task is cancelled,
    so a trade that has been handed over is kept.
    """

    def __init__(self, settings: ClientSettings | None = None, *, advisor: Advisor | None = None) -> None:
        self._advisor = advisor or Advisor(settings)

    @property
    def settings(self) -> ClientSettings:
        """The settings in use."""
        return self._advisor.settings

    async def get_trading_advice(
        self,
        *,
        vix: Number,
        price: Number,
        day_of_week: Number | None = None,
        **options: Unpack[AdviceOptions],
    ) -> Advice:
        """See `Advisor.get_trading_advice`."""
        return await self._advisor.get_trading_advice_async(vix=vix, price=price, day_of_week=day_of_week, **options)

    async def record_outcome(
        self,
        *,
        trade_date: DateLike | str,
        features: MLFeatures | Mapping[str, Number | None],
        outcome: TradeOutcome | str,
        net_pnl: Number,
        trade_id: object = None,
        **details: Unpack[TradeDetails],
    ) -> RecordedOutcome:
        """See `Advisor.record_outcome`."""
        return await _in_thread(
            self._advisor.record_outcome,
            trade_date=trade_date,
            features=features,
            outcome=outcome,
            net_pnl=net_pnl,
            trade_id=trade_id,
            **details,
        )

    async def retrain_from_outcomes(
        self,
        min_new_samples: int = DEFAULT_MIN_NEW_SAMPLES,
        *,
        force: bool = False,
        timeout_seconds: float = LONGEST_RETRAINING_SECONDS,
    ) -> RetrainMetrics | None:
        """See `Advisor.retrain_from_outcomes`."""
        return await _in_thread(
            self._advisor.retrain_from_outcomes, min_new_samples, force=force, timeout_seconds=timeout_seconds
        )

    async def flush(self, timeout_seconds: float) -> bool:
        """See `Advisor.flush`."""
        return await _in_thread(self._advisor.flush, timeout_seconds)

    async def stats(self) -> OutboxStats:
        """See `Advisor.stats`."""
        return await _in_thread(self._advisor.stats)

    async def models(self) -> list[ModelInfo]:
        """See `Advisor.models`."""
        return await _in_thread(self._advisor.models)

    async def model(self, version: str) -> ModelInfo:
        """See `Advisor.model`."""
        return await _in_thread(self._advisor.model, version)

    async def push_model(self, artefact: bytes | str | os.PathLike[str], *, activate: bool = False) -> ModelInfo:
        """See `Advisor.push_model`."""
        return await _in_thread(self._advisor.push_model, artefact, activate=activate)

    async def activate_model(self, version: str) -> ModelInfo:
        """See `Advisor.activate_model`."""
        return await _in_thread(self._advisor.activate_model, version)

    async def push_market_days(self, days: Iterable[MarketDay]) -> MarketDaysReply:
        """See `Advisor.push_market_days`."""
        return await _in_thread(self._advisor.push_market_days, days)

    async def retrain(
        self,
        min_new_samples: int = DEFAULT_MIN_NEW_SAMPLES,
        *,
        force: bool = False,
        timeout_seconds: float = CALL_SECONDS,
    ) -> RetrainRun | RetrainNotNeeded:
        """See `Advisor.retrain`."""
        return await _in_thread(self._advisor.retrain, min_new_samples, force=force, timeout_seconds=timeout_seconds)

    async def retrain_run(self, run_id: UUID, *, timeout_seconds: float = CALL_SECONDS) -> RetrainRun:
        """See `Advisor.retrain_run`."""
        return await _in_thread(self._advisor.retrain_run, run_id, timeout_seconds=timeout_seconds)

    async def close(self, timeout_seconds: float | None = None) -> None:
        """See `Advisor.close`."""
        await _in_thread(self._advisor.close, timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Run it in its own daemon thread. The loop's executor may be busy, and `asyncio.run` waits for it at exit."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*arguments, **keywords))
        except BaseException as error:  # raised where the result is awaited
            future.set_exception(error)

    threading.Thread(target=run, name="ares-advisor-async", daemon=True).start()
    return await asyncio.shield(asyncio.wrap_future(future))
