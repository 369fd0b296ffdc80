"""A recorder's side of ONVIF: SOAP with digest authentication, by the standard library alone."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from lxml import etree

USER, PASSWORD = "recorder", "Green-Hill-2041"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tan="http://www.onvif.org/ver20/analytics/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"><s:Body>{}</s:Body></s:Envelope>'
)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Speaks to the device at an address."""

    url: str
    username: str = USER
    password: str = PASSWORD

    def call(self, body: str) -> etree._Element:
        """The envelope of the answer."""
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, self.url, self.username, self.password)
        opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
        headers = {"Content-Type": "application/soap+xml"}
        request = urllib.request.Request(self.url, ENVELOPE.format(body).encode(), headers)
        with opener.open(request, timeout=20.0) as response:
            return etree.fromstring(response.read())
