"""The chain of schemes: who sent this request?"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from onvif_server.backend import Caller, Level, Users
from onvif_server.security.access import Access, allowed
from onvif_server.security.digest import DigestScheme
from onvif_server.security.outcome import Outcome, Verdict
from onvif_server.security.username_token import UsernameTokenScheme
from onvif_server.soap.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request says about its sender, by whatever scheme, and where it came from."""

    authorization: str | None
    method: str
    target: str
    username_token: etree._Element | None
    address: str


_REASONS = {
    Verdict.WRONG: "the username or the password is wrong",
    Verdict.STALE: "these credentials were used before, or are out of date; check the clock",
    Verdict.MALFORMED: "the credentials are incomplete: digest with qop=auth, or a password digest with nonce and time",
}


class NotAuthorized(Fault):
    """No or wrong credentials: 401 and a challenge. Or a user who may not: 400, since asking again would not help.

    `stale`: the credentials were right but old, so the client can try again without asking its user.
    """

    def __init__(self, reason: str, *, status: int = 401, stale: bool = False) -> None:
        super().__init__("NotAuthorized", reason=reason, status=status)
        self.stale = stale


class Authenticator:
    """Asks each scheme. A request with credentials of both must be right by both (ONVIF Core 5.9.1)."""

    def __init__(self, users: Users, digest: DigestScheme, username_token: UsernameTokenScheme) -> None:
        self._users = users
        self._digest = digest
        self._username_token = username_token

    def admit(self, credentials: Credentials, access: Access) -> Caller:
        """The caller, if they may use operations of this class; raises NotAuthorized otherwise.

        Operations that need nobody's name ignore credentials: with a wrong clock a client could not ask the time.
        """
        if allowed(Level.ANONYMOUS, access):
            return Caller("", credentials.address)
        outcomes = [
            outcome
            for outcome in (
                self._digest.check(credentials.authorization, credentials.method, credentials.target),
                self._username_token.check(credentials.username_token),
            )
            if outcome.verdict is not Verdict.ABSENT
        ]
        if not outcomes:
            raise NotAuthorized("this operation needs a user")
        for outcome in outcomes:
            self._insist(outcome, credentials.address)
        for outcome in outcomes:
            self._users.record_success(outcome.username, credentials.address)
        username = outcomes[-1].username
        if not allowed(self._users.level_of(username), access):
            raise NotAuthorized(f"the user {username} may not do this", status=400)
        return Caller(username, credentials.address)

    def _insist(self, outcome: Outcome, address: str) -> None:
        if outcome.verdict is Verdict.ACCEPTED:
            return
        if outcome.verdict is Verdict.WRONG:
            self._users.record_failure(outcome.username, address)
        raise NotAuthorized(_REASONS[outcome.verdict], stale=outcome.verdict is Verdict.STALE)

    def challenges(self, refusal: NotAuthorized) -> list[str]:
        """Values of the WWW-Authenticate headers that go with a refusal; none where a challenge would not help."""
        return self._digest.challenges(stale=refusal.stale) if refusal.status == 401 else []
