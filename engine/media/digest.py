"""Digest authentication as RTSP clients do it (RFC 2617 without quality of protection, and RFC 7616).

`onvif_server.security.digest` is for HTTP and insists on counted requests; RTSP clients sign a whole session with one
nonce and mostly count nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

NONCE_S: Final = 60.0
"""How long a challenge may be answered. A connection that has answered it goes on with it as long as it lives."""

MAX_NAME: Final = 128
"""Longer user names are cut off in what is told; nobody has one."""

# Bounded and possessive: what a stranger sends costs no more than its length.
_FIELD: Final = re.compile(
    r'(?<![a-zA-Z0-9_-])([a-zA-Z0-9_-]{1,32}+)\s{0,8}+=\s{0,8}+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))'
)
_HASHES: Final = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_NEEDED: Final = ("username", "realm", "nonce", "uri", "response")
_MAX_HEADER: Final = 4096


class Verdict(Enum):
    """What an Authorization header is worth."""

    RIGHT = auto()
    WRONG = auto()
    STALE = auto()  # the password is right, the nonce is not (any more): ask again, nobody failed
    ABSENT = auto()  # nothing, or nothing that can be understood


@dataclass(frozen=True, slots=True)
class Answer:
    """The judgement of one request: who says to be there, and with which nonce."""

    verdict: Verdict
    username: str = ""
    nonce: str = ""


class RtspDigest:
    """Makes challenges and judges answers; `now` is in seconds and never goes back. Safe in several threads."""

    def __init__(self, realm: str, now: Callable[[], float] = time.monotonic) -> None:
        self._realm = realm
        self._now = now
        self._key = secrets.token_bytes(32)

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate headers.

        The strongest comes first. All share one nonce and MD5 comes last, because many clients know MD5 only, and mix
        up what several headers say: some take the first, some the last.
        """
        nonce = self._new_nonce()
        suffix = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={algorithm}{suffix}' for algorithm in _HASHES
        ]

    def judge(self, header: str | None, method: str, target: str, users: Mapping[str, str], nonce: str = "") -> Answer:
        """Judges an Authorization header for a request; `nonce` is the one that the connection answered before."""
        if header is None or len(header) > _MAX_HEADER or header[:7].lower() != "digest ":
            return Answer(Verdict.ABSENT)
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(header[7:])}
        if any(name not in fields for name in _NEEDED) or not _is_unicode(header):
            return Answer(Verdict.ABSENT)
        username = fields["username"][:MAX_NAME]
        if not _same_resource(fields["uri"], target) or not self._right(fields, method, users):
            return Answer(Verdict.WRONG, username)
        fresh = fields["nonce"] == nonce or self._is_fresh(fields["nonce"])
        return Answer(Verdict.RIGHT if fresh else Verdict.STALE, username, fields["nonce"])

    def _right(self, fields: dict[str, str], method: str, users: Mapping[str, str]) -> bool:
        make = _HASHES.get(fields.get("algorithm", "MD5").upper())
        if make is None or fields["realm"] != self._realm:
            return False

        def digest(*parts: str) -> str:
            return make(":".join(parts).encode()).hexdigest()

        password = users.get(fields["username"])
        # An unknown user takes as long as a known one.
        secret = digest(fields["username"], self._realm, password if password is not None else secrets.token_hex())
        request = digest(method, fields["uri"])
        counted = (fields.get("nc", ""), fields.get("cnonce", ""), "auth") if fields.get("qop") == "auth" else ()
        expected = digest(secret, fields["nonce"], *counted, request)
        same = hmac.compare_digest(expected.encode(), fields["response"].lower().encode())
        return same and password is not None

    def _new_nonce(self) -> str:
        stamp = f"{int(self._now() * 1000):x}.{secrets.token_hex(8)}"
        return f"{stamp}.{self._seal(stamp)}"

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._key, stamp.encode(), hashlib.sha256).hexdigest()[:32]

    def _is_fresh(self, nonce: str) -> bool:
        stamp, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(self._seal(stamp).encode(), seal.encode()):
            return False
        return self._now() - int(stamp.partition(".")[0], 16) / 1000 <= NONCE_S


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _same_resource(claimed: str, target: str) -> bool:
    # Clients sign the address of the whole presentation for a track of it, or the other way round.
    try:
        one, other = (urlsplit(address).path.rstrip("/") + "/" for address in (claimed, target))
    except ValueError:
        return False
    return one.startswith(other) or other.startswith(one)
