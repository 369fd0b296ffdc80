"""Who may use the relay: digest authentication, the lock-out and the limits on connections, for every RTSP request."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from engine.core.addresses import network_of
from engine.media.backchannel import BackChannels
from engine.media.digest import MAX_NAME, Answer, RtspDigest, Verdict
from engine.media.gst import GstRtsp, GstRtspServer
from engine.media.seats import Seats
from engine.media.values import RelayUser

_REALM = "Smart PTZ"

type OnFailure = Callable[[str, str], None]
"""Is told of a failed login: the user's name and the client's address (any thread)."""


class Gate:
    """What all servers of the relay know of users. In the relay's RTSP thread, but for what sets users and locks."""

    def __init__(self, on_failure: OnFailure, seats: Seats[GstRtspServer.RTSPClient], backs: BackChannels) -> None:
        self._on_failure = on_failure
        self._seats = seats
        self._backs = backs
        self._talkers: frozenset[str] = frozenset()
        self._digest = RtspDigest(_REALM)
        self.ourselves = RelayUser(name=f"smart-ptz-{secrets.token_hex(8)}", password=secrets.token_hex(32))
        """A user for clients inside this process, as long as it lives."""
        self._users = {self.ourselves.name: self.ourselves.password}
        self._locked: frozenset[tuple[str, str]] = frozenset()

    def set_users(self, users: Iterable[RelayUser]) -> bool:
        """Replaces the users; tells whether somebody was removed, has another password now, or may talk no longer."""
        users = (*users, self.ourselves)
        before, self._users = self._users, {user.name: user.password for user in users}
        talked, self._talkers = self._talkers, frozenset(user.name for user in users if user.may_talk)
        return bool(talked - self._talkers) or any(
            self._users.get(name) != password for name, password in before.items()
        )

    def set_locked(self, locked: Iterable[tuple[str, str]]) -> None:
        """Replaces the pairs of user name and address that are refused even with the right password.

        An empty name stands for everybody there. An IPv6 host is known by its /64: see `engine.core.addresses`.
        """
        # The name as it is told, so that a name that was cut off is found again.
        self._locked = frozenset((name[:MAX_NAME], network_of(address)) for name, address in locked)

    def has_room(self, connection: GstRtsp.RTSPConnection) -> bool:
        """Whether one more connection is within the limits."""
        return self._seats.make_room(network_of(str(connection.get_ip())))

    def take(self, client: GstRtspServer.RTSPClient) -> None:
        """A client is there."""
        self._seats.take(client, network_of(str(client.get_connection().get_ip())))
        client.connect("closed", self._seats.leave)
        self._backs.listen(client)

    def admit(self, context: GstRtspServer.RTSPContext) -> bool:
        """Judges a request; a refused one is answered with challenges."""
        client, request = context.client, context.request
        address = str(client.get_connection().get_ip())
        _, method, target, _ = request.parse_request()
        found, header = request.get_header(GstRtsp.RTSPHeaderField.AUTHORIZATION, 0)
        seat = self._seats[client]
        if seat is None:
            # It is being ended.
            self._refuse(context)
            return False
        name = GstRtsp.rtsp_method_as_text(method) or ""
        known = header if found == GstRtsp.RTSPResult.OK else None
        answer = self._digest.judge(known, name, target, self._users, seat.nonce)
        if self._is_admitted(answer, address):
            seat.nonce = answer.nonce
            if self._backs.judge(context, answer.username, may_talk=answer.username in self._talkers):
                return True
            self._refuse(context)
            return False
        self._challenge(context, stale=answer.verdict is Verdict.STALE)
        return False

    def _is_admitted(self, answer: Answer, address: str) -> bool:
        # Who is locked out learns nothing about the password, and does not prolong the lock by asking again.
        network = network_of(address)
        refused = not self._locked.isdisjoint(((answer.username, network), ("", network)))
        if refused and answer.username != self.ourselves.name:
            return False
        if answer.verdict is Verdict.WRONG:
            self._on_failure(answer.username, address)
        return answer.verdict is Verdict.RIGHT

    @staticmethod
    def _refuse(context: GstRtspServer.RTSPContext) -> None:
        status = GstRtsp.RTSPStatusCode.FORBIDDEN
        _, response = GstRtsp.rtsp_message_new_response(status, "Forbidden", context.request)
        context.client.send_message(context.session, response)

    def _challenge(self, context: GstRtspServer.RTSPContext, *, stale: bool) -> None:
        status = GstRtsp.RTSPStatusCode.UNAUTHORIZED
        _, response = GstRtsp.rtsp_message_new_response(status, "Unauthorized", context.request)
        for challenge in self._digest.challenges(stale=stale):
            response.add_header(GstRtsp.RTSPHeaderField.WWW_AUTHENTICATE, challenge)
        context.client.send_message(context.session, response)


class GateKeeper(GstRtspServer.RTSPAuth):  # type: ignore[misc]  # GObject has no types
    """Asks the gate for every request of one server. Not GstRtspServer's own digest: that tells nobody of failures."""

    gate: Gate

    def do_check(self, context: GstRtspServer.RTSPContext, check: str) -> bool:
        """GstRtspServer asks before it does anything for a client."""
        if check == "auth.check.connect":
            # The library's own check sets up TLS where there is a certificate.
            return self.gate.has_room(context.conn) and bool(GstRtspServer.RTSPAuth.do_check(self, context, check))
        if check == "auth.check.url":
            return self.gate.admit(context)
        # A client that chooses where packets go could aim them at others.
        return check != "auth.check.transport.client-settings"
