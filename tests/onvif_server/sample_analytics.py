"""A right request for each operation of the analytics service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {}
