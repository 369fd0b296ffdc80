"""WS-UsernameToken with PasswordDigest (OASIS WSS UsernameToken Profile 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final

from lxml import etree

from onvif_server.backend import Users
from onvif_server.security.outcome import ABSENT, Outcome, Verdict
from onvif_server.soap import names
from onvif_server.soap.values import parse_time

_PASSWORD_DIGEST: Final = "#PasswordDigest"  # noqa: S105 - the name of a type
_MAXIMUM_FIELD: Final = 256
_MAXIMUM_REMEMBERED: Final = 100_000


class UsernameTokenScheme:
    """Checks tokens: each must be new (nonce and time of creation together) and made within the window."""

    def __init__(self, users: Users, now: Callable[[], float], window_s: float = 300.0) -> None:
        self._users = users
        self._now = now
        self._window_s = window_s
        self._seen: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, tuple[str, str]]] = deque()

    def check(self, token: etree._Element | None) -> Outcome:
        """Judges the UsernameToken of a request; None if it has none."""
        if token is None:
            return ABSENT
        username = _text(token, names.SECURITY, "Username")
        nonce = _text(token, names.SECURITY, "Nonce")
        created = _text(token, names.UTILITY, "Created")
        digest = _text(token, names.SECURITY, "Password")
        if not (username and nonce and created and digest) or not _is_digest(token):
            return Outcome(Verdict.MALFORMED, username)
        try:
            raw_nonce = base64.b64decode(nonce, validate=True)
            created_at = parse_time(created)
        except (binascii.Error, ValueError, OverflowError):
            return Outcome(Verdict.MALFORMED, username)
        if not self._right(username, raw_nonce, created, digest):
            return Outcome(Verdict.WRONG, username)
        return Outcome(self._freshness(nonce, created, created_at), username)

    def _right(self, username: str, nonce: bytes, created: str, digest: str) -> bool:
        password = self._users.password_of(username)
        secret = password if password is not None else secrets.token_hex()
        # SHA-1 is what the profile prescribes.
        expected = base64.b64encode(hashlib.sha1(nonce + created.encode() + secret.encode()).digest())  # noqa: S324
        return hmac.compare_digest(expected, digest.encode()) and password is not None

    def _freshness(self, nonce: str, created: str, created_at: float) -> Verdict:
        now = self._now()
        if abs(now - created_at) > self._window_s:
            return Verdict.STALE
        # A token can come from the future by as much as the window, and stays valid for the window after that.
        while self._order and (now - self._order[0][0] > 2 * self._window_s or len(self._order) > _MAXIMUM_REMEMBERED):
            self._seen.discard(self._order.popleft()[1])
        key = (nonce, created)
        if key in self._seen:
            return Verdict.STALE
        self._seen.add(key)
        self._order.append((now, key))
        return Verdict.ACCEPTED


def _text(token: etree._Element, namespace: str, name: str) -> str:
    text = (token.findtext(names.tag(namespace, name)) or "").strip()
    return text if len(text) <= _MAXIMUM_FIELD else ""


def _is_digest(token: etree._Element) -> bool:
    password = token.find(names.tag(names.SECURITY, "Password"))
    return password is not None and password.get("Type", "").endswith(_PASSWORD_DIGEST)
