"""Who may hold a connection to the relay, and for how long without a login."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class Seat:
    """One connection; `nonce` is the challenge that it answered rightly, "" before its login."""

    network: str
    nonce: str = ""
    waited: int = 0

    @property
    def is_strange(self) -> bool:
        """Whether nobody logged in there yet."""
        return not self.nonce


class Seats[Client: Hashable]:
    """Shares the connections out; `end` closes one. Belongs to the relay's RTSP thread.

    Whoever comes is a stranger until the login. Strangers make room for those who come after them, where they are more
    than half of all, or those of one network more than a quarter: so that they can keep nobody out.
    """

    def __init__(self, count: int, login_s: int, end: Callable[[Client], None]) -> None:
        self._count = count
        self._login_s = login_s
        self._end = end
        self._seats: dict[Client, Seat] = {}

    def __getitem__(self, client: Client) -> Seat | None:
        """The seat of a client; None for one that had to leave."""
        return self._seats.get(client)

    def make_room(self, network: str) -> bool:
        """Whether somebody from a network gets a seat, which another may lose by that."""
        strangers = {client: seat for client, seat in self._seats.items() if seat.is_strange}
        crowds = Counter(seat.network for seat in strangers.values())
        if crowds[network] >= max(self._count // 4, 1):
            crowd = network
        elif len(strangers) < max(self._count // 2, 1) and len(self._seats) < self._count:
            return True
        elif crowds:
            crowd = crowds.most_common(1)[0][0]
        else:
            return False
        # The oldest: of those who can log in, it is the newest who still has not.
        self._dismiss(next(client for client, seat in strangers.items() if seat.network == crowd))
        return True

    def take(self, client: Client, network: str) -> None:
        """A client sits down, as a stranger."""
        self._seats[client] = Seat(network)

    def leave(self, client: Client) -> None:
        """A client has gone."""
        self._seats.pop(client, None)

    def tick(self) -> None:
        """A second has passed: strangers who had time enough leave."""
        for client, seat in tuple(self._seats.items()):
            seat.waited += 1
            if seat.is_strange and seat.waited > self._login_s:
                self._dismiss(client)

    def _dismiss(self, client: Client) -> None:
        del self._seats[client]
        self._end(client)
