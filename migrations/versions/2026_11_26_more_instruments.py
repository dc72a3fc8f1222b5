"""Bars of SPY and of volatility indices beside VIX; variants that have lost their skill since training.

Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for instrument in ("spy", "vix9d", "vix3m", "vix1d"):
        for price in ("open", "high", "low", "close"):
            op.add_column("market_days", sa.Column(f"{instrument}_{price}", sa.Double(), nullable=True))
    op.add_column(
        "model_versions",
        sa.Column("silenced_variants", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: see docs/operations.md")
