"""Searches devices with the library WSDiscovery, in a process (and so in a network) of its own.

    python ws_discovery_client.py COUNT

Asks what Home Assistant asks, again and again until COUNT devices have answered, and listens on until it is ended.
Prints JSON lines: `{"found": [{"epr": TEXT, "xaddrs": [URL], "scopes": [URI]}]}`, `{"gone": EPR}`.
"""

from __future__ import annotations

import json
import signal
import sys
from threading import Event
from typing import Any

from wsdiscovery import QName, Scope
from wsdiscovery.discovery import ThreadedWSDiscovery

SEARCH_S = 3.0


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    count = int(sys.argv[1])
    end = Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    client = ThreadedWSDiscovery(ttl=4, relates_to=True)
    client.setRemoteServiceByeCallback(lambda epr: say(gone=epr))
    client.start()
    transmitter = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter", "dp0")
    streaming = Scope("onvif://www.onvif.org/Profile/Streaming")
    while not end.is_set():
        # What greets by itself must not count as found.
        client.clearRemoteServices()
        found = client.searchServices(types=[transmitter], scopes=[streaming], timeout=SEARCH_S)
        if len(found) >= count:
            say(
                found=[
                    {
                        "epr": one.getEPR(),
                        "xaddrs": one.getXAddrs(),
                        "scopes": [scope.getValue() for scope in one.getScopes()],
                    }
                    for one in found
                ]
            )
            break
    end.wait()
    client.stop()


if __name__ == "__main__":
    main()
