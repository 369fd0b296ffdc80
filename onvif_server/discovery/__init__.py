"""WS-Discovery (2005/04): the device tells that it is there, and answers those who search."""

from __future__ import annotations

from onvif_server.discovery.announced import Announced, Shown
from onvif_server.discovery.service import Discovery

__all__ = ["Announced", "Discovery", "Shown"]
