"""The tables as they are after the newest migration. Times are Unix seconds; bodies are JSON."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("event_id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("channel", String(128)),
    Column("body", Text, nullable=False),
    Index(None, "at"),
    Index(None, "kind", "at"),
    Index(None, "channel", "at"),
)

captures = Table(
    "captures",
    metadata,
    Column("capture_id", String(64), primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("channel", String(128), nullable=False),
    Column("link_id", String(128), nullable=False),
    Column("rule_id", String(128)),
    Column("target_type", String(32), nullable=False),
    Column("picture", String(128), nullable=False),
    Column("background", String(128), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "at"),
    Index(None, "channel", "at"),
    Index(None, "link_id", "at"),
)

presets = Table(
    "presets",
    metadata,
    Column("channel", String(128), primary_key=True),
    Column("preset_id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("pan_deg", Float(53), nullable=False),
    Column("tilt_deg", Float(53), nullable=False),
    Column("hfov_deg", Float(53), nullable=False),
    Column("position", Integer, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("created_at", Float(53), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("username", String(64), ForeignKey("users.username", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("expires_at", Float(53)),
    Index(None, "username"),
)

device_users = Table(
    "device_users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("sealed_password", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("created_at", Float(53), nullable=False),
)
