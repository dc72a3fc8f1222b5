"""What every endpoint receives: the application's state, and a transaction of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.engine import transaction
from service.state import AppState


async def app_state(request: Request) -> AppState:
    """The state that the lifespan created."""
    state: AppState = request.state.app
    return state


State = Annotated[AppState, Depends(app_state)]


async def database_session(state: State) -> AsyncIterator[AsyncSession]:
    """One request, one transaction: committed before the reply is sent, rolled back on any error."""
    async with transaction(state.sessions) as session:
        yield session


Session = Annotated[AsyncSession, Depends(database_session, scope="function")]
