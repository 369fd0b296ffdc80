"""Links: an overview sends its PTZ channel."""

from __future__ import annotations

from engine.access import Role
from engine.api.messages.links import LookAtRequest, TrackAnswer, TrackRequest
from engine.api.operations import Call, operation


@operation("POST", "/links/{link_id}/look_at", tag="links", role=Role.OPERATOR)
async def look_at(call: Call, body: LookAtRequest) -> None:
    """Send the PTZ to a point of the overview, or frame a box of it."""
    await call.context.services.look_at(call.path["link_id"], body, by=call.by)


@operation("POST", "/links/{link_id}/track", tag="links", role=Role.OPERATOR)
async def track(call: Call, body: TrackRequest) -> TrackAnswer:
    """Follow the target at a point of the overview, or the one of that id."""
    return TrackAnswer(track_id=await call.context.services.track(call.path["link_id"], body, by=call.by))


@operation("POST", "/links/{link_id}/stop-tracking", tag="links", role=Role.OPERATOR)
async def stop_tracking(call: Call) -> None:
    """Stop following."""
    await call.context.services.stop_tracking(call.path["link_id"], by=call.by)
