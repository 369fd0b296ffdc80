"""One running site for all clients: to start it is the costly part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket

from clients.client_site import ClientSite, running_site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[ClientSite]:
    """The simulated yard, the engine behind it, and a user of its ONVIF device."""
    # This is set up before the fixtures of a module, which would allow sockets.
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()
    with running_site(tmp_path_factory.mktemp("clients"), models) as running:
        yield running
