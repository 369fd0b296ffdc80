"""The simulated motors are shared with the tests of the ptz room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ptz"))


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Home Assistant's plugin would have the loop note where every callback came from.

    Under a virtual clock there are thousands in a second: that would take most of the time of these tests, which
    have no threads that the notes would help to tell apart.
    """
