"""What there is and how it is."""

from __future__ import annotations

from engine.access import Role
from engine.api.messages.access import StreamCredentials
from engine.api.messages.state import State
from engine.api.operations import Call, operation


@operation("GET", "/state", tag="state", role=Role.USER)
async def get_state(call: Call) -> State:
    """Everything that a client shows; the WebSocket sends the same, and then what changes."""
    return await call.context.services.state()


@operation("GET", "/stream-credentials", tag="state", role=Role.OPERATOR)
async def get_stream_credentials(call: Call) -> StreamCredentials:
    """User and password of the RTSP relay."""
    return await call.context.services.stream_credentials()
