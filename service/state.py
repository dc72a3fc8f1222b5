"""What the running application holds: made by the lifespan, handed to the endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from service.advice.service import AdviceService
from service.clock import Clock
from service.db.engine import Sessions
from service.drain import Drain
from service.keys.allowance import Allowance
from service.keys.keyring import Keyring
from service.market_days.holder import MarketHolder
from service.metrics import Metrics
from service.models.holder import ModelHolder
from service.performance.service import PerformanceService
from service.settings import Settings


@dataclass(slots=True)
class AppState:
    """The collaborators of one application, alive between start-up and shutdown."""

    settings: Settings
    clock: Clock
    sessions: Sessions
    model_holder: ModelHolder
    market_holder: MarketHolder
    advice: AdviceService
    performance: PerformanceService
    keyring: Keyring
    allowance: Allowance
    metrics: Metrics
    drain: Drain

    @property
    def not_ready_because(self) -> str | None:
        """Why advice cannot be given or should be asked for elsewhere; None where this replica is ready."""
        if self.drain.started:
            return "shutting down"
        if self.model_holder.live is None:
            return "no model is loaded: train one with `kronos train --push`"
        return None
