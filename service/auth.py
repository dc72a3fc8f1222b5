"""Who may ask: a bearer key, compared in constant time."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.dependencies import SettingsDependency
from service.errors import UnauthorizedError

bearer = HTTPBearer(auto_error=False)


async def _require_key(
    settings: SettingsDependency, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    if settings.api_key is None:
        return
    wanted = settings.api_key.get_secret_value().encode()
    if given is None or not hmac.compare_digest(given.credentials.encode(), wanted):
        raise UnauthorizedError("send the key as `Authorization: Bearer …`")


require_key = Depends(_require_key)
