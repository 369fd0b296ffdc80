"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import pytest_socket

# Home Assistant's loader finds the integration only when the package was imported before its first look.
import custom_components.smart_ptz  # noqa: F401


@pytest.fixture
def shared_data() -> Path:
    """Models and footage for tests, which are never part of the project."""
    folder = Path(os.environ.get("SMART_PTZ_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "models").is_dir():
        pytest.skip(f"no test data in {folder}; set SMART_PTZ_TEST_DATA to the folder with models/ and media/")
    return folder


@pytest.fixture(autouse=True)
def _sockets_outside_of_integration(request: pytest.FixtureRequest) -> None:
    """Allows real sockets: only the tests of the integration keep Home Assistant's ban on them."""
    if "integration" not in request.path.parts:
        pytest_socket.enable_socket()
        pytest_socket._remove_restrictions()


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Home Assistant's check for lingering threads and timers; in force again in tests/integration."""
