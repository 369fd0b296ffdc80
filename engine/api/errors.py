"""Errors as answers: `{"error": {"code", "message"}}` with the right status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from engine.access import AccessError
from engine.access.errors import (
    AlreadyActivated,
    LockedOut,
    NotActivated,
    Refused,
    WeakPassword,
    WrongCredentials,
)
from engine.api.messages.base import ErrorAnswer, ErrorDetail
from engine.api.services import ServiceError
from engine.store import BlobMissing, StoreFailure, StoreFull

_LOGGER = logging.getLogger(__name__)

_OF_ACCESS: Mapping[type[AccessError], tuple[HTTPStatus, str]] = {
    NotActivated: (HTTPStatus.FORBIDDEN, "not_activated"),
    AlreadyActivated: (HTTPStatus.FORBIDDEN, "already_activated"),
    WeakPassword: (HTTPStatus.UNPROCESSABLE_ENTITY, "weak_password"),
    WrongCredentials: (HTTPStatus.UNAUTHORIZED, "wrong_credentials"),
    LockedOut: (HTTPStatus.TOO_MANY_REQUESTS, "locked_out"),
    Refused: (HTTPStatus.CONFLICT, "refused"),
}

_OF_HTTP = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}


class ApiError(Exception):
    """A request that the API itself refuses."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def answer_of(error: Exception) -> web.Response:
    """The answer for anything that was raised while a request was handled."""
    match error:
        case ApiError() | ServiceError():
            return _answer(error.status, error.code, str(error))
        case AccessError():
            status, code = _OF_ACCESS[type(error)]
            headers = {"Retry-After": str(int(error.retry_after_s) + 1)} if isinstance(error, LockedOut) else {}
            return _answer(status, code, str(error), headers)
        case BlobMissing():
            return _answer(HTTPStatus.NOT_FOUND, "not_found", str(error))
        case StoreFailure():
            _LOGGER.error("A request failed: %s", error)
            full = isinstance(error, StoreFull)
            status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.SERVICE_UNAVAILABLE
            # The reason may name files of the machine: it is for the log, and `what` for the client.
            return _answer(status, "storage_error", f"could not {error.what}: see the engine's log")
        case web.HTTPException():
            status = HTTPStatus(error.status)
            kept = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _answer(status, _OF_HTTP.get(status, "refused"), status.phrase, kept)
    _LOGGER.error("A request failed", exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "an error inside the engine: see its log")


def _answer(status: HTTPStatus, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(ErrorAnswer(error=ErrorDetail(code=code, message=message)))
    answer = web.Response(status=status, body=body, content_type="application/json", headers=headers)
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
