"""What all messages share: the bounds of their values, how they are read, and what a refusal looks like."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

type Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
type UnitPoint = Annotated[list[Unit], Meta(description="[x, y]", min_length=2, max_length=2)]
type Signed = Annotated[float, Meta(ge=-1.0, le=1.0)]
type Degrees = Annotated[float, Meta(ge=-360.0, le=360.0)]
type Time = Annotated[float, Meta(description="Unix seconds")]
type Instant = Annotated[float, Meta(description="Unix seconds", ge=0.0, le=1e11)]
type Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
type Username = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_.@-]+$")]
type Password = Annotated[str, Meta(min_length=1, max_length=128)]
type Identifier = Annotated[str, Meta(min_length=1, max_length=128)]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends: read whole, and refused when anything in it is not understood."""


class Response(Struct, frozen=True, kw_only=True):
    """What the engine answers."""


class SecretRequest(Request, frozen=True, kw_only=True):
    """A request whose fields never appear in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class SecretResponse(Response, frozen=True, kw_only=True):
    """A response whose fields never appear in a log or a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class ErrorDetail(Response, frozen=True, kw_only=True):
    """`code` is for programs and stable (e.g. `not_found`), `message` is for people."""

    code: str
    message: str


class ErrorAnswer(Response, frozen=True, kw_only=True):
    """The body of every answer with a status of 400 or above."""

    error: ErrorDetail
