"""What the tests of the whole product share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import pytest_socket

MODELS = "SMART_PTZ_MODELS"


@pytest.fixture(scope="module", autouse=True)
def _sockets_for_the_module() -> None:
    """Module-wide fixtures are set up before those of a test allow sockets."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def models() -> dict[str, str]:
    """The environment in which the engine finds a detector: what the user said, the test data, or the ordinary way."""
    if MODELS in os.environ:
        return {}
    folder = Path(os.environ.get("SMART_PTZ_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "models"
    return {MODELS: str(folder)} if folder.is_dir() else {}
