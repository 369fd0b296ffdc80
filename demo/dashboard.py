"""The dashboard of the demo: both live pictures, the last capture, what happens, and the camera's controls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def dashboard(entities: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A Lovelace configuration for the integration's entities (entries of the entity registry)."""
    ids = sorted(entity["entity_id"] for entity in entities)

    def of(domain: str) -> list[str]:
        return [one for one in ids if one.startswith(f"{domain}.")]

    live = [
        {"type": "picture-entity", "entity": one, "camera_view": "live", "show_state": False, "show_name": True}
        for one in of("camera")
    ]
    pictures = [{"type": "picture-entity", "entity": one, "show_state": False} for one in of("image")]
    controls = {
        "type": "entities",
        "title": "Camera",
        "entities": of("select") + of("button") + of("number") + of("sensor"),
    }
    happenings = {"type": "entities", "title": "What happens", "entities": of("event") + of("binary_sensor")}
    return {
        "title": "Smart PTZ",
        "views": [
            {
                "title": "Smart PTZ",
                "path": "main",
                "type": "sections",
                "max_columns": 3,
                "sections": [
                    {"type": "grid", "cards": [_wide(card) for card in live]},
                    {"type": "grid", "cards": [_wide(card) for card in pictures]},
                    {"type": "grid", "cards": [_wide(controls), _wide(happenings)]},
                ],
            }
        ],
    }


def _wide(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, "grid_options": {"columns": "full"}}
