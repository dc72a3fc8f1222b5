"""Keys, the progress of a retraining, what live scores need, and model versions whose bytes were let go.

Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=True),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['advice', 'outcomes', 'read', 'operate']::text[]",
            name=op.f("ck_api_keys_scopes"),
        ),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name=op.f("ck_api_keys_secret_sha256")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
    )
    op.add_column("retrain_runs", sa.Column("requested_by", sa.Text(), nullable=True))
    op.add_column("retrain_runs", sa.Column("phase", sa.Text(), nullable=True))
    op.add_column("retrain_runs", sa.Column("progress", sa.Double(), nullable=True))
    op.add_column("advice_log", sa.Column("trained_through", sa.Date(), nullable=True))
    op.add_column("advice_log", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_advice_log_session"), "advice_log", ["session"], unique=False)
    op.execute(
        "UPDATE advice_log SET trained_through = (m.manifest -> 'training' ->> 'last')::date "
        "FROM model_versions m WHERE m.version = advice_log.model_version"
    )
    op.alter_column("model_versions", "artefact", nullable=True)
    op.create_check_constraint(
        op.f("ck_model_versions_champion_is_stored"), "model_versions", "state <> 'champion' OR artefact IS NOT NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: see docs/operations.md")
