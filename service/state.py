"""What the running application holds: made by the lifespan, handed to the endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from service.advice.service import AdviceService
from service.clock import Clock
from service.db.engine import Sessions
from service.market_days.holder import MarketHolder
from service.models.holder import ModelHolder
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
    draining: bool = False
