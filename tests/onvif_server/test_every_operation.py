"""Each operation answers a right request with a valid response, and no operation is left out here."""

from __future__ import annotations

import pytest
from onvif_host import Running
from onvif_soap_client import SoapClient
from sample_requests import REQUESTS, send_sample

from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.operations import Registration

pytestmark = pytest.mark.ledger("ONVIF-1")


def registered(running: Running) -> dict[str, Registration]:
    prefixes = {namespace: prefix for prefix, namespace in names.PREFIXES.items()}
    handlers = running.device._endpoint._dispatcher._handlers
    return {
        f"{prefixes[tag[1:].partition('}')[0]]}:{tag.partition('}')[2]}": registration
        for tag, (registration, _) in handlers.items()
    }


def test_no_operation_is_left_out(running: Running) -> None:
    assert set(registered(running)) == set(REQUESTS)


def test_only_what_the_standard_leaves_open_is_open_to_anybody(running: Running) -> None:
    # ONVIF Core, table of access classes: nothing else needs no user.
    anonymous = {name for name, found in registered(running).items() if found.access is Access.PRE_AUTH}
    assert {name for name in anonymous if not name.endswith(":GetServiceCapabilities")} == {
        "tds:GetWsdlUrl",
        "tds:GetServices",
        "tds:GetCapabilities",
        "tds:GetHostname",
        "tds:GetSystemDateAndTime",
        "tds:GetEndpointReference",
    }


def test_everything_that_moves_something_needs_an_operator(running: Running) -> None:
    acting = {name for name, found in registered(running).items() if found.access is Access.ACTUATE}
    verbs = ("Move", "Stop", "Set", "Goto", "Remove")
    expected = {name for name in REQUESTS if name.startswith("tptz:") and any(verb in name for verb in verbs)}
    assert expected <= acting


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_response_is_valid(client: SoapClient, name: str) -> None:
    response = await send_sample(client, name)
    assert response.status == 200, response.texts("Text")
    assert response.content.tag.endswith(f"}}{name.partition(':')[2]}Response")


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_operation_that_is_not_open_wants_a_user(client: SoapClient, running: Running, name: str) -> None:
    client.username = None
    response = await client.call(f"<{name}>{REQUESTS[name]}</{name}>")
    if registered(running)[name].access is Access.PRE_AUTH:
        assert response.status == 200
    else:
        assert response.status == 401
        assert response.subcodes[-1] == "ter:NotAuthorized"
    assert running.users.failures == 0
