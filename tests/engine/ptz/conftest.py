"""What the tests of the arbiter and of tours share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Home Assistant's plugin would have the loop note where every callback came from.

    Under a virtual clock there are thousands in a second: that would take most of the time of these tests, which
    have no threads that the notes would help to tell apart.
    """
