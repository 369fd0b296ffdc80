"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    _create_events()
    _create_captures()
    op.create_table(
        "presets",
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("preset_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("pan_deg", sa.Float(53), nullable=False),
        sa.Column("tilt_deg", sa.Float(53), nullable=False),
        sa.Column("hfov_deg", sa.Float(53), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("channel", "preset_id", name="pk_presets"),
    )
    _create_accounts()


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("channel", sa.String(128)),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_events"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_kind_at", "events", ["kind", "at"])
    op.create_index("ix_events_channel_at", "events", ["channel", "at"])


def _create_captures() -> None:
    op.create_table(
        "captures",
        sa.Column("capture_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("link_id", sa.String(128), nullable=False),
        sa.Column("rule_id", sa.String(128)),
        sa.Column("target_type", sa.String(32), nullable=False),
        sa.Column("picture", sa.String(128), nullable=False),
        sa.Column("background", sa.String(128), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("capture_id", name="pk_captures"),
    )
    op.create_index("ix_captures_at", "captures", ["at"])
    op.create_index("ix_captures_channel_at", "captures", ["channel", "at"])
    op.create_index("ix_captures_link_id_at", "captures", ["link_id", "at"])


def _create_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_users"),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53)),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
        sa.ForeignKeyConstraint(["username"], ["users.username"], name="fk_tokens_username", ondelete="CASCADE"),
    )
    op.create_index("ix_tokens_username", "tokens", ["username"])
    op.create_table(
        "device_users",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("sealed_password", sa.Text, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_device_users"),
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in ("device_users", "tokens", "users", "presets", "captures", "events", "meta"):
        op.drop_table(table)
