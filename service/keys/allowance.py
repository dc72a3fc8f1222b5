"""How many requests one key may make, in this process.

They are counted per key and scope, so that a bot draining a full outbox does not use up its allowance for advice.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from service.errors import TooManyRequestsError
from service.keys.caller import Caller
from service.keys.scopes import Scope


class Allowance:
    """A moving window of one minute per key and scope."""

    def __init__(self, requests_per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, caller: Caller, scope: Scope) -> None:
        """Count one request, unless the caller needs no key.

        Raises
        ------
        TooManyRequestsError
        """
        if caller.key_id is None or await self._limiter.hit(self._limit, caller.key_id, scope.value):
            return
        free_again, _ = await self._limiter.get_window_stats(self._limit, caller.key_id, scope.value)
        raise TooManyRequestsError(
            f"this key may make {self._limit.amount} requests a minute", max(1, math.ceil(free_again - time.time()))
        )
