"""`Advisor`, the object that a bot holds: it never blocks on advice and never loses a trade."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from ares_client._advice.requester import AdviceRequester
from ares_client._http.operations import DEFAULT_MIN_NEW_SAMPLES, Operations
from ares_client._http.retraining import RetrainMetrics, retrain_and_wait
from ares_client._http.transport import HttpTransport, Transport
from ares_client._outbox.delivery import Delivery
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.outcomes import MLFeatures, PreparedOutcome, TradeDetails, prepare_outcome
from ares_client._outbox.sender import Sender
from ares_client._process import fork
from ares_client._process.locks import FileLock
from ares_client._process.timing import SYSTEM_TIMING, Timing
from ares_client.errors import OutboxUnavailableError, OutcomeNotRecordedError, ServiceError
from ares_client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Unpack

    from ares_client._advice.advice import Advice
    from ares_client._advice.request import AdviceOptions
    from ares_client._values import DateLike, Number
    from ares_client.contract import TradeOutcome

logger = logging.getLogger(__name__)

LONGEST_RETRAINING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """Where a recorded trade is now. `objection` says why it was quarantined."""

    trade_id: str
    kept_in: Literal["outbox", "service", "quarantine"]
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """The state of the outbox. `problem` says why the last delivery failed; None if it succeeded."""

    file: Path
    pending: int
    quarantined: int
    oldest_pending_seconds: float | None
    problem: str | None


class Advisor(Operations):
    """One bot's connection to the advisor. Safe to use from several threads and across forks.

    Creating one touches neither the network nor the disk. The first call starts the background sender, which
    runs until `close`.

    Raises
    ------
    ConfigurationError
        A setting is invalid, whether passed in or read from `ARES_ADVISOR_*`.
    """

    def __init__(self, settings: ClientSettings | None = None, *, timing: Timing = SYSTEM_TIMING) -> None:
        self.settings = settings or ClientSettings.from_environment()
        self._timing = timing
        self._assemble()
        fork.watch(in_child=self._assemble)

    def get_trading_advice(
        self,
        *,
        vix: Number,
        price: Number,
        day_of_week: Number | None = None,
        **options: Unpack[AdviceOptions],
    ) -> Advice:
        """Advice on today's trade. It comes within `deadline_seconds`, whatever happens.

        Parameters
        ----------
        vix
            The current VIX level, in points.
        price
            The current SPX level, in points.
        day_of_week
            0 for Monday. Optional, because the service knows the date.
        options
            See `AdviceOptions`.

        Raises
        ------
        TypeError
            An argument has the wrong type. The message names it.
        """
        self._sender.start()
        return self._desk.ask({"vix": vix, "price": price, "day_of_week": day_of_week, **options})

    async def get_trading_advice_async(
        self,
        *,
        vix: Number,
        price: Number,
        day_of_week: Number | None = None,
        **options: Unpack[AdviceOptions],
    ) -> Advice:
        """Like `get_trading_advice`, but without blocking the event loop. `AsyncAdvisor` has the other calls."""
        self._sender.start()
        return await self._desk.ask_async({"vix": vix, "price": price, "day_of_week": day_of_week, **options})

    def record_outcome(
        self,
        *,
        trade_date: DateLike | str,
        features: MLFeatures | Mapping[str, Number | None],
        outcome: TradeOutcome | str,
        net_pnl: Number,
        trade_id: object = None,
        **details: Unpack[TradeDetails],
    ) -> RecordedOutcome:
        """Record a closed trade. It is on disk when this returns, and is then delivered in the background.

        Parameters
        ----------
        trade_date
            The day the trade was opened. A timestamp counts as the date in its own time zone.
        features
            What the bot believed at entry. Kept for audit.
        outcome
            How the trade ended.
        net_pnl
            Profit or loss of the whole position, in dollars after costs.
        trade_id
            The bot's own name for the trade. By default it is derived from bot, date, VIX, price and expected
            move, so recording the same trade again after a restart changes nothing.
        details
            See `TradeDetails`.

        Raises
        ------
        TypeError
            An argument has the wrong type. The message names it.
        OutcomeNotRecordedError
            Neither the outbox nor the service accepted the trade.
        """
        prepared = prepare_outcome(
            self.settings.bot,
            trade_date=trade_date,
            features=features,
            outcome=outcome,
            net_pnl=net_pnl,
            trade_id=trade_id,
            details=details,
        )
        try:
            self._outbox.add(prepared)
        except OutboxUnavailableError as error:
            return self._deliver_directly(prepared, error)
        if prepared.objection:
            logger.error("trade %s was quarantined (see advisor-outbox): %s", prepared.trade_id, prepared.objection)
            return RecordedOutcome(prepared.trade_id, "quarantine", prepared.objection)
        self._sender.row_added()
        return RecordedOutcome(prepared.trade_id, "outbox")

    def retrain_from_outcomes(
        self,
        min_new_samples: int = DEFAULT_MIN_NEW_SAMPLES,
        *,
        force: bool = False,
        timeout_seconds: float = LONGEST_RETRAINING_SECONDS,
    ) -> RetrainMetrics | None:
        """Deliver pending outcomes, request a retraining and wait for the result.

        Returns
        -------
        The metrics of the new model if it was promoted. None if there were too few new outcomes, the model was
        refused, the service did not answer or the time ran out. The log says which.
        """
        with suppress(OutboxUnavailableError):
            self.flush(self.settings.deadline_seconds)
        return retrain_and_wait(
            self, self._timing, min_new_samples=min_new_samples, force=force, timeout_seconds=timeout_seconds
        )

    def flush(self, timeout_seconds: float) -> bool:
        """Try to deliver now, for at most `timeout_seconds`. True if nothing is pending any more.

        Raises
        ------
        OutboxUnavailableError
            The outbox cannot be read.
        """
        return self._sender.flush(timeout_seconds)

    def stats(self) -> OutboxStats:
        """The state of the outbox.

        Raises
        ------
        OutboxUnavailableError
            The outbox cannot be read.
        """
        counts = self._outbox.counts()
        oldest = counts.oldest_pending_at
        return OutboxStats(
            file=self._outbox.file.path,
            pending=counts.pending,
            quarantined=counts.quarantined,
            oldest_pending_seconds=None if oldest is None else max(0.0, self._timing.now() - oldest),
            problem=None if self._sender.problem is None else str(self._sender.problem),
        )

    def close(self, timeout_seconds: float | None = None) -> None:
        """Deliver what can be delivered at once, then stop. Takes at most `timeout_seconds` (default: the deadline).

        Afterwards, advice is always a fallback. Outcomes are still saved to disk, for the next start.
        """
        self._desk.close()
        self._sender.stop(self.settings.deadline_seconds if timeout_seconds is None else timeout_seconds)
        self._transport.close()
        self._outbox.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _deliver_directly(self, prepared: PreparedOutcome, problem: OutboxUnavailableError) -> RecordedOutcome:
        logger.error("outbox unavailable, sending trade %s straight to the service: %s", prepared.trade_id, problem)
        if prepared.objection:
            raise OutcomeNotRecordedError(prepared.trade_id, problem, prepared.objection) from problem
        try:
            self._delivery.deliver_directly(prepared, self.settings.deadline_seconds)
        except ServiceError as error:
            raise OutcomeNotRecordedError(prepared.trade_id, problem, str(error)) from error
        return RecordedOutcome(prepared.trade_id, "service")

    def _assemble(self) -> None:
        """Build every part from scratch: at the start, and in a forked child, which has no threads of its parent."""
        super().__init__(self._make_transport(), self._timing)
        self._outbox = Outbox(self._make_outbox_file(), self._timing)
        self._delivery = Delivery(self._outbox, self._transport, self._timing)
        self._sender = self._make_sender()
        self._desk = self._make_desk()

    def _make_transport(self) -> Transport:
        return HttpTransport(self.settings)

    def _make_outbox_file(self) -> OutboxFile:
        return OutboxFile(self.settings.outbox_file, self._timing)

    def _make_sender(self) -> Sender:
        return Sender(self._outbox, self._delivery, self._make_turn(), self._timing)

    def _make_turn(self) -> FileLock:
        file = self.settings.outbox_file
        return FileLock(file.with_name(f"{file.name}.sending"), self._timing)

    def _make_desk(self) -> AdviceRequester:
        return AdviceRequester(self.settings, self._transport, self._timing, on_answer=self._sender.service_answered)
