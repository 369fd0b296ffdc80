"""The dashboard of the demo: both live pictures, the last capture, what happens, and the camera's controls.

Nothing but Home Assistant's own cards, so that it is also an example to copy from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

type Card = dict[str, Any]

HALF = {"columns": 12, "rows": "auto"}
WHOLE = {"columns": "full", "rows": "auto"}
NOTHING = ["unknown", "unavailable"]
STEP_S = 0.4
"""A press on an arrow moves the camera for so long."""


class Entities:
    """The integration's entities by what they are (entries of the entity registry)."""

    def __init__(self, entries: Iterable[dict[str, Any]]) -> None:
        self._entries = sorted(entries, key=lambda entry: str(entry["entity_id"]))

    def all(self, domain: str, *keys: str | None) -> list[str]:
        """The entity ids of a domain with one of these translation keys."""
        return [
            entry["entity_id"]
            for entry in self._entries
            if entry["entity_id"].startswith(f"{domain}.") and entry["translation_key"] in keys
        ]

    def name(self, entity_id: str) -> str:
        """An entity's own name, without that of its device."""
        return next(str(entry["original_name"]) for entry in self._entries if entry["entity_id"] == entity_id)

    def same_device(self, entity_id: str, others: Iterable[str]) -> str:
        """The one of the others that is of the same device as an entity."""
        devices = {entry["entity_id"]: entry["device_id"] for entry in self._entries}
        return next(other for other in others if devices[other] == devices[entity_id])


def dashboard(entries: Iterable[dict[str, Any]], presets: Sequence[str]) -> dict[str, Any]:
    """A Lovelace configuration for the integration's entities; `presets` are the names of the camera's presets."""
    entities = Entities(entries)
    cameras = entities.all("camera", None)
    selects = entities.all("select", "preset")
    moved = [entities.same_device(select, cameras) for select in selects]
    watching = [camera for camera in cameras if camera not in moved]
    sections = [_live(watching, moved)]
    sections += [_captures(entities)]
    sections += [_control(entities, select, camera, presets) for select, camera in zip(selects, moved, strict=True)]
    return {
        "title": "Smart PTZ",
        "views": [
            {
                "title": "Smart PTZ",
                "path": "main",
                "type": "sections",
                "max_columns": 3,
                "dense_section_placement": True,
                "badges": _badges(entities),
                "sections": sections,
            }
        ],
    }


def _badges(entities: Entities) -> list[Card]:
    """What is the matter now, in one line."""
    badges: list[Card] = []
    for tracking in entities.all("binary_sensor", "tracking"):
        badges += [
            {
                "entity": tracking,
                "name": "Following",
                "icon": "mdi:target-account",
                "color": "red",
                "state_content": ["target_type"],
                "visibility": [{"condition": "state", "entity": tracking, "state": "on"}],
            },
            {
                "entity": tracking,
                "name": "Following nobody",
                "icon": "mdi:target",
                "show_state": False,
                "visibility": [{"condition": "state", "entity": tracking, "state": "off"}],
            },
        ]
    rules = entities.all("binary_sensor", "rule")
    badges += [
        {"entity": rule, "name": entities.name(rule), "color": "amber", "visibility": [_known(rule)]} for rule in rules
    ]
    captures = entities.all("event", "capture")
    badges += [{"entity": one, "name": "Last capture", "visibility": [_known(one)]} for one in captures]
    return [{"type": "entity", "show_name": True, "show_state": True, **badge} for badge in badges]


def _live(watching: Sequence[str], moved: Sequence[str]) -> Card:
    cards = [_heading("Live", "mdi:cctv")]
    cards += [
        {
            "type": "picture-entity",
            "entity": camera,
            "camera_view": "live",
            "show_state": False,
            "show_name": True,
            "aspect_ratio": "16:9",
            "grid_options": HALF,
        }
        for camera in (*watching, *moved)
    ]
    # Side by side on a desktop, one above the other on a phone.
    return {"type": "grid", "column_span": 2, "cards": cards}


def _captures(entities: Entities) -> Card:
    cards = [_heading("Last capture", "mdi:camera-account")]
    for image in entities.all("image", "last_capture"):
        cards += [
            {
                "type": "picture-entity",
                "entity": image,
                "show_state": False,
                "show_name": False,
                "fit_mode": "contain",
                "aspect_ratio": "16:9",
                "grid_options": WHOLE,
                "visibility": [_known(image)],
            },
            {
                "type": "markdown",
                "content": "Nobody has been photographed yet.",
                "grid_options": WHOLE,
                "visibility": [{"condition": "state", "entity": image, "state": NOTHING}],
            },
        ]
    cards.append(_heading("What happened", "mdi:timeline-clock-outline"))
    told = entities.all("event", "intrusion", "line_crossing", "capture")
    cards.append(
        {
            "type": "logbook",
            "target": {"entity_id": told},
            "hours_to_show": 1,
            "grid_options": {"columns": "full", "rows": 5},
        }
    )
    return {"type": "grid", "cards": cards}


def _control(entities: Entities, select: str, camera: str, presets: Sequence[str]) -> Card:
    home = entities.same_device(select, entities.all("button", "home"))
    stop = entities.same_device(select, entities.all("button", "stop"))
    cards: list[Card] = [_heading("Camera", "mdi:camera-control")]
    stop_tracking = entities.all("button", "stop_tracking")[0]
    pad = [
        _arrow(camera, "zoom_out", "mdi:magnify-minus-outline"),
        _arrow(camera, "up", "mdi:arrow-up-bold"),
        _arrow(camera, "zoom_in", "mdi:magnify-plus-outline"),
        _arrow(camera, "left", "mdi:arrow-left-bold"),
        _press(home, "mdi:home-import-outline"),
        _arrow(camera, "right", "mdi:arrow-right-bold"),
        _press(stop, "mdi:stop"),
        _arrow(camera, "down", "mdi:arrow-down-bold"),
        _press(stop_tracking, "mdi:crosshairs-off"),
    ]
    cards += [{**card, "grid_options": {"columns": 4, "rows": 1}} for card in pad]
    width = {1: 12, 2: 6}.get(len(presets), 4)
    cards += [
        {
            "type": "button",
            "name": preset,
            "show_icon": False,
            "show_state": False,
            "tap_action": _action("select.select_option", select, {"option": preset}),
            "grid_options": {"columns": width, "rows": 1},
        }
        for preset in presets
    ]
    if not presets:
        # They may be made later: this list follows the camera's.
        features = {"features_position": "inline", "features": [{"type": "select-options"}]}
        cards.append({"type": "tile", "entity": select, "name": "Preset", "grid_options": WHOLE, **features})
    cards += [
        {
            "type": "tile",
            "entity": zoom,
            "name": "Zoom",
            "features_position": "inline",
            "features": [{"type": "numeric-input", "style": "slider"}],
            "grid_options": WHOLE,
        }
        for zoom in entities.all("number", "zoom")
        if entities.same_device(zoom, [select, *entities.all("number", "zoom")]) == select
    ]
    return {"type": "grid", "cards": cards}


def _heading(text: str, icon: str) -> Card:
    return {"type": "heading", "heading": text, "icon": icon, "heading_style": "title"}


def _arrow(camera: str, direction: str, icon: str) -> Card:
    action = _action("smart_ptz.move", camera, {"direction": [direction], "speed": 40, "duration": STEP_S})
    return {"type": "button", "icon": icon, "show_name": False, "show_state": False, "tap_action": action}


def _press(button: str, icon: str) -> Card:
    action = _action("button.press", button, {})
    return {"type": "button", "icon": icon, "show_name": False, "show_state": False, "tap_action": action}


def _action(name: str, entity_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"action": "perform-action", "perform_action": name, "target": {"entity_id": entity_id}, "data": data}


def _known(entity_id: str) -> dict[str, Any]:
    return {"condition": "state", "entity": entity_id, "state_not": NOTHING}
