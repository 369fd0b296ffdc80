"""Events and captures that were stored."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from engine.access import Role
from engine.api.errors import ApiError
from engine.api.messages.history import CaptureDescription, CaptureList, CaptureQuery, EventList, EventQuery
from engine.api.operations import Call, Jpeg, operation
from engine.core.events import CaptureTaken


@operation("GET", "/events", tag="history", role=Role.USER)
async def list_events(call: Call, query: EventQuery) -> EventList:
    """Search the events, newest first."""
    found = await call.context.store.events.search(
        since=query.since, before=query.before, kind=query.kind, channel=query.channel, limit=query.limit
    )
    return EventList(events=[msgspec.Raw(record.body) for record in found])


@operation("GET", "/captures", tag="history", role=Role.USER)
async def list_captures(call: Call, query: CaptureQuery) -> CaptureList:
    """Search the captures, newest first."""
    found = await call.context.store.captures.search(
        since=query.since,
        before=query.before,
        channel=query.channel,
        link_id=query.link,
        rule_id=query.rule,
        target_type=query.target_type,
        limit=query.limit,
    )
    return CaptureList(captures=[CaptureDescription.of(capture) for capture in found])


@operation("GET", "/captures/{capture_id}", tag="history", role=Role.USER)
async def get_capture(call: Call) -> CaptureDescription:
    """One capture."""
    return CaptureDescription.of(await _find(call))


@operation("GET", "/captures/{capture_id}/picture.jpg", tag="history", role=Role.USER)
async def get_picture(call: Call) -> Jpeg:
    """The picture of the target."""
    return Jpeg(await call.context.store.blobs.get((await _find(call)).picture), lasting=True)


@operation("GET", "/captures/{capture_id}/background.jpg", tag="history", role=Role.USER)
async def get_background(call: Call) -> Jpeg:
    """The whole scene in which the target was captured."""
    return Jpeg(await call.context.store.blobs.get((await _find(call)).background), lasting=True)


async def _find(call: Call) -> CaptureTaken:
    capture_id = call.path["capture_id"]
    capture = await call.context.store.captures.get(capture_id)
    if capture is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", f"there is no capture {capture_id!r}")
    return capture
