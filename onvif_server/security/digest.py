"""HTTP digest authentication (RFC 7616; with MD5 also RFC 2617), quality of protection `auth` only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from onvif_server.backend import Users
from onvif_server.security.outcome import ABSENT, Outcome, Verdict

# Bounded and possessive everywhere: what a stranger sends must not cost more than its length.
_PARAMETER: Final = re.compile(
    r'(?<![a-zA-Z0-9_-])([a-zA-Z0-9_-]{1,32}+)\s{0,8}+=\s{0,8}+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))'
)
_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_NEEDED: Final = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce")
_MAXIMUM_HEADER: Final = 4096
_MAXIMUM_NONCES: Final = 10_000


class DigestScheme:
    """Makes challenges and checks answers.

    A nonce carries its own time and seal, so an unanswered challenge costs no memory. An answer is accepted once:
    the same nonce count and client nonce again is a replay, and gets a fresh challenge marked stale.
    """

    def __init__(
        self,
        users: Users,
        realm: str,
        now: Callable[[], float],
        lifetime_s: float = 300.0,
        algorithms: tuple[str, ...] = ("MD5",),
    ) -> None:
        self._users = users
        self._realm = realm
        self._now = now
        self._lifetime_s = lifetime_s
        self._algorithms = algorithms
        self._key = secrets.token_bytes(32)
        self._used: dict[str, set[tuple[str, str]]] = {}

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate headers, the preferred algorithm first."""
        nonce = self._new_nonce()
        suffix = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self._realm}", qop="auth", nonce="{nonce}", algorithm={algorithm}{suffix}'
            for algorithm in self._algorithms
        ]

    def check(self, authorization: str | None, method: str, target: str) -> Outcome:
        """Judges an Authorization header for a request of this method and target (path and query)."""
        if authorization is None or not authorization[:7].lower().startswith("digest "):
            return ABSENT
        if len(authorization) > _MAXIMUM_HEADER or not _is_unicode(authorization):
            return Outcome(Verdict.MALFORMED)
        fields = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(authorization[7:])}
        username = fields.get("username", "")
        algorithm = fields.get("algorithm", "MD5").upper()
        if any(name not in fields for name in _NEEDED) or algorithm not in self._algorithms:
            return Outcome(Verdict.MALFORMED, username)
        if fields["qop"] != "auth" or fields["realm"] != self._realm or not _same_target(fields["uri"], target):
            return Outcome(Verdict.MALFORMED, username)
        if not self._right(fields, algorithm, method):
            return Outcome(Verdict.WRONG, username)
        return Outcome(self._freshness(fields), username)

    def _right(self, fields: dict[str, str], algorithm: str, method: str) -> bool:
        def digest(*parts: str) -> str:
            return _HASHES[algorithm](":".join(parts).encode()).hexdigest()

        password = self._users.password_of(fields["username"])
        # An unknown user takes as long as a known one.
        secret = digest(fields["username"], self._realm, password if password is not None else secrets.token_hex())
        request = digest(method, fields["uri"])
        expected = digest(secret, fields["nonce"], fields["nc"], fields["cnonce"], "auth", request)
        right = hmac.compare_digest(expected.encode(), fields["response"].lower().encode())
        return right and password is not None

    def _new_nonce(self) -> str:
        stamp = f"{int(self._now() * 1000):x}-{secrets.token_hex(8)}"
        return f"{stamp}-{self._seal(stamp)}"

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._key, stamp.encode(), hashlib.sha256).hexdigest()[:32]

    def _age_s(self, nonce: str) -> float | None:
        """The age of a nonce of ours; None for one that we did not make."""
        stamp, _, seal = nonce.rpartition("-")
        if not hmac.compare_digest(self._seal(stamp).encode(), seal.encode()):
            return None
        return self._now() - int(stamp.partition("-")[0], 16) / 1000

    def _freshness(self, fields: dict[str, str]) -> Verdict:
        age_s = self._age_s(fields["nonce"])
        if age_s is None or not 0 <= age_s <= self._lifetime_s:
            return Verdict.STALE
        used = self._used.setdefault(fields["nonce"], set())
        answer = (fields["nc"], fields["cnonce"])
        if answer in used:
            return Verdict.STALE
        used.add(answer)
        self._forget_old()
        return Verdict.ACCEPTED

    def _forget_old(self) -> None:
        # Nonces are first used about in the order of their making, so the old ones stand in front.
        while self._used:
            oldest = next(iter(self._used))
            age_s = self._age_s(oldest)
            if len(self._used) <= _MAXIMUM_NONCES and age_s is not None and age_s <= self._lifetime_s:
                return
            del self._used[oldest]


def _is_unicode(text: str) -> bool:
    # Bytes of a header that are no UTF-8 arrive as lone surrogates, which cannot be encoded again.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _same_target(claimed: str, target: str) -> bool:
    # Some clients sign the absolute address.
    try:
        parts = urlsplit(claimed)
    except ValueError:
        return False
    return claimed == target or (bool(parts.netloc) and parts._replace(scheme="", netloc="").geturl() == target)
