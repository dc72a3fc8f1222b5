"""Runs Alembic on the connection that `service.db.migrate` hands over."""

from __future__ import annotations

from typing import Any

from alembic import context

from service.db.tables import TableBase


def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """The job queue's tables belong to its library, which knows how to change them."""
    return not (kind == "table" and (name or "").startswith("pgqueuer"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TableBase.metadata,
    include_object=ours,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
