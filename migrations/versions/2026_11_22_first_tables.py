"""The first tables, and the job queue's own.

Revises:
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advice_log",
        sa.Column("advice_id", sa.Uuid(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("price", sa.Double(), nullable=False),
        sa.Column("vix", sa.Double(), nullable=False),
        sa.Column("sd_multiplier", sa.Double(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("win_probability", sa.Double(), nullable=False),
        sa.Column("base_rate", sa.Double(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("reply", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("logged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "advice IN ('TRADE_FULL', 'TRADE_REDUCED', 'SKIP_TODAY')", name=op.f("ck_advice_log_advice")
        ),
        sa.PrimaryKeyConstraint("advice_id", name=op.f("pk_advice_log")),
    )
    op.create_index(op.f("ix_advice_log_bot_session"), "advice_log", ["bot", "session"], unique=False)
    op.create_table(
        "market_days",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("spx_open", sa.Double(), nullable=False),
        sa.Column("spx_high", sa.Double(), nullable=False),
        sa.Column("spx_low", sa.Double(), nullable=False),
        sa.Column("spx_close", sa.Double(), nullable=False),
        sa.Column("vix_open", sa.Double(), nullable=True),
        sa.Column("vix_high", sa.Double(), nullable=True),
        sa.Column("vix_low", sa.Double(), nullable=True),
        sa.Column("vix_close", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_market_days")),
    )
    op.create_table(
        "retrain_runs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("min_new_samples", sa.Integer(), nullable=False),
        sa.Column("new_outcomes", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("verdict IN ('promoted', 'refused', 'failed')", name=op.f("ck_retrain_runs_verdict")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_retrain_runs")),
        sa.UniqueConstraint("job_id", name=op.f("uq_retrain_runs_job_id")),
    )
    op.create_index(op.f("ix_retrain_runs_requested_at"), "retrain_runs", ["requested_at"], unique=False)
    op.create_table(
        "ares_ml_outcomes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("trade_date", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("net_pnl", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sd_multiplier", sa.Double(), nullable=True),
        sa.Column("advice_id", sa.Uuid(), nullable=True),
        sa.Column("put_short_strike", sa.Double(), nullable=True),
        sa.Column("put_long_strike", sa.Double(), nullable=True),
        sa.Column("call_short_strike", sa.Double(), nullable=True),
        sa.Column("call_long_strike", sa.Double(), nullable=True),
        sa.Column("settlement_price", sa.Double(), nullable=True),
        sa.Column("contracts", sa.Integer(), nullable=True),
        sa.Column("credit", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("flags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("trained_in", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('MAX_PROFIT', 'PUT_BREACHED', 'CALL_BREACHED', 'DOUBLE_BREACH')",
            name=op.f("ck_ares_ml_outcomes_outcome"),
        ),
        sa.ForeignKeyConstraint(["trained_in"], ["retrain_runs.run_id"], name=op.f("fk_ares_ml_outcomes_trained_in")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ares_ml_outcomes")),
        sa.UniqueConstraint("bot", "trade_id", name=op.f("uq_ares_ml_outcomes_bot_trade_id")),
    )
    op.create_index(op.f("ix_ares_ml_outcomes_trade_date"), "ares_ml_outcomes", ["trade_date"], unique=False)
    op.create_table(
        "model_versions",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("artefact", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("origin IN ('upload', 'retrain')", name=op.f("ck_model_versions_origin")),
        sa.CheckConstraint(
            "state IN ('candidate', 'champion', 'retired', 'refused')", name=op.f("ck_model_versions_state")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["retrain_runs.run_id"], name=op.f("fk_model_versions_run_id")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("major", "minor", name=op.f("uq_model_versions_major_minor")),
        sa.UniqueConstraint("sha256", name=op.f("uq_model_versions_sha256")),
    )
    op.create_index(
        "uq_model_versions_champion",
        "model_versions",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'champion'"),
    )
    _install_job_queue()


def _install_job_queue() -> None:
    """PgQueuer's own schema, in several statements, which only the driver itself takes."""
    connection: Any = op.get_bind().connection.driver_connection
    await_only(connection.execute(QueryBuilderEnvironment().build_install_query()))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: see docs/operations.md")
