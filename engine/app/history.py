"""Events are written to the store first, then handed to everybody who listens."""

from __future__ import annotations

import logging

from engine.core.bus import Bus, Subscription
from engine.core.clock import Clock
from engine.core.events import Event, StorageError
from engine.store import Store, StoreFailure

_LOG = logging.getLogger(__name__)

# The rooms never wait for the store, and no event may be dropped: the queue is as good as endless.
QUEUE_LIMIT = 1_000_000


class History:
    """Takes what the rooms publish on `facts`, stores it, and publishes it on `events`.

    When the store fails, the events go on all the same, together with one StorageError until it works again.
    """

    def __init__(self, store: Store, facts: Bus[Event], events: Bus[Event], clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._failing = False
        # Subscribed at once, so that nothing published before `run` is lost.
        self._subscription: Subscription[Event] = facts.subscribe(QUEUE_LIMIT)

    async def run(self) -> None:
        """Works until it is cancelled."""
        with self._subscription as facts:
            async for event in facts:
                await self._keep(event)
                self._events.publish(event)

    async def _keep(self, event: Event) -> None:
        try:
            await self._store.events.add(event)
        except StoreFailure as error:
            _LOG.error("%s", error)
            if not self._failing and not isinstance(event, StorageError):
                self._events.publish(StorageError(at=self._clock.now(), what="event", reason=str(error)))
            self._failing = True
        except Exception:  # noqa: BLE001 - logged, and one event must not silence all that follow
            _LOG.exception("the event %s could not be stored", event)
        else:
            self._failing = False
