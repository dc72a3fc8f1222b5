"""The state of the running application, created by the lifespan and passed to the endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from kronos.market.clock import Clock
from service.advice.service import AdviceService
from service.db.engine import Sessions
from service.keys.allowance import Allowance
from service.metrics import ServiceMetrics
from service.performance.service import PerformanceService
from service.process.drain import Drain
from service.replica.bars import BarsHolder
from service.replica.keyring import Keyring
from service.replica.model import ModelHolder
from service.settings import Settings


@dataclass(slots=True)
class AppState:
    """The collaborators of one application, alive between start-up and shutdown."""

    settings: Settings
    clock: Clock
    sessions: Sessions
    model: ModelHolder
    bars: BarsHolder
    advice: AdviceService
    performance: PerformanceService
    keyring: Keyring
    allowance: Allowance
    metrics: ServiceMetrics
    drain: Drain

    @property
    def not_ready_because(self) -> str | None:
        """Why this replica cannot give advice or should no longer be asked; None if it is ready."""
        if self.drain.started:
            return "shutting down"
        if self.model.served is None:
            return "no model is loaded: train one with `kronos train --push`"
        return None
