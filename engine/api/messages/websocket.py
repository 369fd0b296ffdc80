"""What travels over the WebSocket."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.api.messages.base import ErrorDetail, Request, Response, SecretRequest, Time
from engine.api.messages.links import TrackState
from engine.api.messages.state import CameraState, ChannelState, LinkState, RuleState, State


class AuthMessage(SecretRequest, frozen=True, kw_only=True, tag_field="type", tag="auth"):
    """From the client, first, unless the request had an Authorization header."""

    token: Annotated[str, Meta(min_length=1, max_length=256)]


class SubscribeMessage(Request, frozen=True, kw_only=True, tag_field="type", tag="subscribe"):
    """From the client: which topics it wants beside events and states; replaces the last list."""

    topics: list[Literal["tracks"]]


class HelloMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """From the engine, first: everything."""

    state: State


class StateMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="state"):
    """From the engine: everything, when things came or went."""

    state: State


class CameraMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="camera"):
    """From the engine: a camera changed."""

    camera: CameraState


class ChannelMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="channel"):
    """From the engine: a channel changed."""

    channel: ChannelState


class LinkMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="link"):
    """From the engine: a link changed."""

    link: LinkState


class RuleMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="rule"):
    """From the engine: a rule changed."""

    rule: RuleState


class EventMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="event"):
    """From the engine: something happened."""

    event: msgspec.Raw


class TracksMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="tracks"):
    """From the engine, to those who subscribed: the tracks of a channel. Newest wins: a slow client misses some."""

    channel: str
    captured_at: Time | None
    tracks: list[TrackState]


class ErrorMessage(Response, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """From the engine, before it closes the connection for that reason."""

    error: ErrorDetail


type ClientMessage = AuthMessage | SubscribeMessage
type ServerMessage = (
    HelloMessage
    | StateMessage
    | CameraMessage
    | ChannelMessage
    | LinkMessage
    | RuleMessage
    | EventMessage
    | TracksMessage
    | ErrorMessage
)
