"""Authorisation: a bearer key with the scope that the route requires, within its allowance."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from service.errors import ForbiddenError
from service.http.dependencies import State
from service.http.same_origin import is_asked_by_its_own_name
from service.keys.caller import ANYONE, Caller
from service.keys.scopes import Scope, allows

bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key made with `advisor keys make`, or the bootstrap key"
)


async def authorise(
    request: Request,
    wanted: SecurityScopes,
    state: State,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Identify the caller and check that they may make this request.

    Raises
    ------
    UnauthorizedError, KeysUnknownError, ForbiddenError, TooManyRequestsError
    """
    caller = state.keyring.identify(None if given is None else given.credentials)
    if caller is ANYONE and not is_asked_by_its_own_name(request):
        raise ForbiddenError(
            "while it has no keys, this service answers only as localhost: make one with `advisor keys make`"
        )
    structlog.contextvars.bind_contextvars(key_id=caller.key_id)
    for scope in map(Scope, wanted.scopes):
        if not allows(caller.scopes, scope):
            raise ForbiddenError(f"this key lacks the scope {scope}")
        await state.allowance.take(caller, scope)
    return caller


def require(scope: Scope) -> Any:
    """The dependency of a route that requires this scope; its value is the `Caller`."""
    return Security(authorise, scopes=[scope.value])
