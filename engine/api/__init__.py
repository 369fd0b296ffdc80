"""The engine's HTTP and WebSocket interface: the contract with Home Assistant and every other client."""

from engine.api.application import ApiSettings, create_app
from engine.api.server import ApiServer, ApiStartError, TlsFiles

__all__ = ["ApiServer", "ApiSettings", "ApiStartError", "TlsFiles", "create_app"]
