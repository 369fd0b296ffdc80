"""The certificate of the relay's RTSPS: the site's own, or one that the engine makes and renews itself."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.config import Site
from engine.core.clock import Clock

_LOG = logging.getLogger(__name__)

LIFE = timedelta(days=3650)
"""So long a certificate that the engine makes is good: recorders pin it, and ask a person when it is another."""

RENEWED_BEFORE_END = timedelta(days=60)

_DAY = timedelta(days=1)


class CertificateFiles(NamedTuple):
    """Where certificate and key are (PEM)."""

    certificate: Path
    key: Path


class OwnCertificate:
    """A self-signed certificate in a folder of the engine's."""

    def __init__(self, folder: Path, host: str) -> None:
        """`host` is the address that the relay listens at."""
        self._files = CertificateFiles(folder / "relay-certificate.pem", folder / "relay-key.pem")
        self._host = host

    def provide(self, now: float) -> tuple[CertificateFiles, bool]:
        """The files, made or renewed where that is necessary; and whether they are new. Raises OSError."""
        files = self._files
        if self._is_good(now):
            # Somebody may have copied the folder.
            files.key.chmod(0o600)
            return files, False
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = _signed(key, self._host, datetime.fromtimestamp(now, UTC))
        # The key first: one without its certificate is found out and made anew.
        _write(files.key, secret, 0o600)
        _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return files, True

    def _is_good(self, now: float) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self._files.certificate.read_bytes())
            key = serialization.load_pem_private_key(self._files.key.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        ends = certificate.not_valid_after_utc - RENEWED_BEFORE_END
        return key.public_key() == certificate.public_key() and now < ends.timestamp()


class Showing(Protocol):
    """Who shows the certificate; `engine.media.MediaProcess` is one."""

    async def use_certificate(self, certificate: str, key: str) -> None:
        """Shows it to those who connect from now on (paths of PEM files)."""
        ...


class RelayCertificate:
    """Which certificate a site's relay shows: the site file's, or an own one that never ends."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._given = None
        if site.relay.tls_certificate is not None and site.relay.tls_key is not None:
            self._given = CertificateFiles(site.relay.tls_certificate, site.relay.tls_key)
        self._own = OwnCertificate(site.data_dir, site.relay.host)
        self._clock = clock

    async def show(self, relay: Showing) -> None:
        """Gives the relay its certificate. Where none can be made, that is logged, and there is no RTSPS."""
        try:
            files = self._given or (await asyncio.to_thread(self._own.provide, self._clock.now()))[0]
        except OSError as error:
            _LOG.warning("no certificate can be made, so the relay has no RTSPS: %s", error)
            return
        await relay.use_certificate(str(files.certificate), str(files.key))

    async def keep_fresh(self, relay: Showing) -> None:
        """Renews an own certificate before it ends, and shows the site's as its files are, until it is cancelled."""
        while True:
            await self._clock.sleep(_DAY.total_seconds())
            if self._given is not None:
                # Whoever renews it replaces the files; the relay keeps what it has if it cannot read them.
                await relay.use_certificate(str(self._given.certificate), str(self._given.key))
                continue
            try:
                files, is_new = await asyncio.to_thread(self._own.provide, self._clock.now())
            except OSError as error:
                _LOG.warning("the relay's certificate cannot be renewed: %s", error)
                continue
            if is_new:
                await relay.use_certificate(str(files.certificate), str(files.key))


def _signed(key: ec.EllipticCurvePrivateKey, host: str, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Smart PTZ relay")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of recorders are seldom right.
        .not_valid_before(now - _DAY)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    machine = socket.gethostname()
    if machine.isascii() and machine != "localhost":
        names.append(x509.DNSName(machine))
    for address in ("127.0.0.1", "::1", host):
        with suppress(ValueError):
            known = x509.IPAddress(ip_address(address))
            if known not in names and not known.value.is_unspecified:
                names.append(known)
    return names


def _write(path: Path, content: bytes, mode: int) -> None:
    """At once or not at all, and never readable by others for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
