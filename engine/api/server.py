"""Listens for the API, by TLS where a certificate is configured."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_SHUTDOWN_S = 3.0
_IDLE_S = 30.0
"""A connection that asks nothing for so long is closed: idle ones must not use up the descriptors."""


class ApiStartError(Exception):
    """The API cannot listen; the message tells where, why, and what to do."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate (with its chain) and its key, both PEM; the key without a password."""

    certificate: Path
    key: Path


class ApiServer:
    """Serves the application until it is stopped."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port that it listens on: the one that was found where 0 was asked for."""
        return self._port

    async def start(self, host: str, port: int, tls: TlsFiles | None = None) -> None:
        """Begins to listen. Raises ApiStartError."""
        context = None if tls is None else _tls_context(tls)
        # No access log: addresses and what was asked are nobody's business, and the audit log has what matters.
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=_IDLE_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            raise ApiStartError(why_not(host, port, error)) from error
        self._runner = runner
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Ends all connections and stops listening."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()


def why_not(host: str, port: int, error: OSError) -> str:
    """An error of listening in words."""
    where = f"the API cannot listen on {host}:{port}"
    if isinstance(error, socket.gaierror):
        return f"{where}: the host name is not known; set api.host in the site file to an address of this machine"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where}: another program uses the port; stop it, or set another api.port in the site file"
        case errno.EACCES:
            return f"{where}: not permitted (ports below 1024 need privileges); set another api.port in the site file"
        # asyncio skips addresses that the machine does not have, and then reports without a number that none is left.
        case errno.EADDRNOTAVAIL | None:
            return f"{where}: this machine has no such address; set api.host in the site file to one that it has"
    return f"{where}: {error.strerror or error}"


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    for path in (files.certificate, files.key):
        if not path.is_file():
            raise ApiStartError(f"TLS: there is no file {path}; correct api.tls_certificate and api.tls_key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])

    def no_password() -> str:
        # Without this, OpenSSL would ask on the terminal and wait for ever.
        raise ApiStartError(f"TLS: the key {files.key} has a password; keep it without one, with mode 0600")

    try:
        context.load_cert_chain(files.certificate, files.key, password=no_password)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise ApiStartError(
            f"TLS: {files.certificate} and {files.key} cannot be used ({reason}): both must be PEM files, "
            "and the key must belong to the certificate"
        ) from error
    return context
