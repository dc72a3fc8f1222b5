"""Who may ask: a bearer key with the scope that the route wants, within its allowance."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from service.dependencies import StateDependency
from service.errors import ForbiddenError
from service.keys.keyring import Caller
from service.keys.scopes import Scope, allows

bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="Made by `advisor keys make`, or the bootstrap key"
)


async def authorise(
    wanted: SecurityScopes,
    state: StateDependency,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Whoever asks, once they may.

    Raises
    ------
    UnauthorizedError, KeysUnknownError, ForbiddenError, TooManyRequestsError
    """
    caller = state.keyring.identify(None if given is None else given.credentials)
    structlog.contextvars.bind_contextvars(key_id=caller.key_id)
    for scope in map(Scope, wanted.scopes):
        if not allows(caller.scopes, scope):
            raise ForbiddenError(f"this key lacks the scope {scope}")
        await state.allowance.take(caller, scope)
    return caller


def require(scope: Scope) -> Any:
    """The dependency of a route that wants this scope; its value is the `Caller`."""
    return Security(authorise, scopes=[scope.value])
