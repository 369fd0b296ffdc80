"""The certificate of the relay's RTSPS: made once, kept secret, renewed in time, or the site's own."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from engine.app.engine import Engine
from engine.app.onvif_facets import stream_url, streaming
from engine.app.relay_certificate import LIFE, RENEWED_BEFORE_END, OwnCertificate, RelayCertificate
from engine.core.clock import VirtualClock
from engine.media import Delivery, RelayUser
from onvif_server.backend import Refused, StreamRequest, Transport
from tests.engine.app.app_sites import make_site
from tests.engine.app.conftest import StartEngine

pytestmark = pytest.mark.ledger("NET-1", "SYS-2", "ONVIF-2")

NOW = 1_800_000_000.0


def test_it_is_made_once_and_its_key_is_secret(tmp_path: Path) -> None:
    own = OwnCertificate(tmp_path / "data", "192.0.2.7")
    files, is_new = own.provide(NOW)
    assert is_new
    assert files.key.stat().st_mode & 0o777 == 0o600
    before = files.certificate.read_bytes()
    assert own.provide(NOW + 86400) == (files, False)
    assert files.certificate.read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["relay-certificate.pem", "relay-key.pem"]

    certificate = x509.load_pem_x509_certificate(before)
    key = load_pem_private_key(files.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert {str(one) for one in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "192.0.2.7"}


def test_it_is_renewed_before_it_ends(tmp_path: Path) -> None:
    own = OwnCertificate(tmp_path, "0.0.0.0")
    own.provide(NOW)
    last = NOW + (LIFE - RENEWED_BEFORE_END).total_seconds()
    assert not own.provide(last - 1)[1]
    files, is_new = own.provide(last + 1)
    assert is_new
    assert x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc.timestamp() > last + 1e8


@pytest.mark.parametrize("name", ["relay-key.pem", "relay-certificate.pem"])
def test_half_of_it_or_nonsense_is_made_anew(tmp_path: Path, name: str) -> None:
    own = OwnCertificate(tmp_path, "0.0.0.0")
    own.provide(NOW)
    (tmp_path / name).write_text("nonsense")
    files, is_new = own.provide(NOW)
    assert is_new
    key = load_pem_private_key(files.key.read_bytes(), None)
    assert key.public_key() == x509.load_pem_x509_certificate(files.certificate.read_bytes()).public_key()


def test_a_key_that_others_can_read_is_closed_again(tmp_path: Path) -> None:
    own = OwnCertificate(tmp_path, "0.0.0.0")
    files, _ = own.provide(NOW)
    files.key.chmod(0o644)
    own.provide(NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600


class Shown:
    """Takes note of what is to be shown."""

    def __init__(self) -> None:
        self.certificates: list[bytes] = []

    async def use_certificate(self, certificate: str, key: str) -> None:
        assert key
        self.certificates.append(Path(certificate).read_bytes())


async def test_an_engine_that_runs_for_years_shows_the_new_one(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    site = make_site(tmp_path)
    site.data_dir.mkdir(parents=True, exist_ok=True)
    relay, shown = RelayCertificate(site, clock), Shown()
    await relay.show(shown)
    keeping = asyncio.create_task(relay.keep_fresh(shown))
    # The waiting is virtual, the work is done by a thread.
    async with asyncio.timeout(60):
        while len(shown.certificates) < 2:
            await clock.advance(LIFE.total_seconds() / 4)
            await asyncio.sleep(0.01)
    keeping.cancel()
    assert shown.certificates[0] != shown.certificates[1]


async def test_a_certificate_of_the_sites_own_is_shown_as_its_files_are_a_day_later(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    files, _ = OwnCertificate(tmp_path / "theirs", "0.0.0.0").provide(NOW)
    site = make_site(tmp_path)
    given = replace(site.relay, tls_certificate=files.certificate, tls_key=files.key)
    relay, shown = RelayCertificate(replace(site, relay=given), clock), Shown()
    await relay.show(shown)
    keeping = asyncio.create_task(relay.keep_fresh(shown))
    await asyncio.sleep(0)
    files.certificate.write_bytes(b"renewed by somebody else")
    await clock.advance(86400)
    keeping.cancel()
    assert shown.certificates[-1] == b"renewed by somebody else"


async def test_the_engine_tells_recorders_the_secure_addresses_and_they_are_there(start_engine: StartEngine) -> None:
    engine = await start_engine()
    await engine.relay_certificate.show(engine.media)
    await engine.media.start()
    try:
        await engine.media.set_relay_users([RelayUser(name="nvr", password="nvr secret")])
        port = engine.media.secure_port
        assert port not in {None, engine.media.relay_port}
        await _assert_addresses(engine, port or 0)
        # What answers there is the certificate of the data folder.
        shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        stored = (engine.site.data_dir / "relay-certificate.pem").read_text()
        assert shown.strip() == stored.strip()
    finally:
        await engine.media.stop()


async def _assert_addresses(engine: Engine, port: int) -> None:
    abilities = streaming(engine)
    assert (abilities.rtsps, abilities.srtp, abilities.http_tunnel, abilities.metadata) == (True, True, True, True)
    # The site's relay is for this machine only.
    assert not abilities.multicast
    plain, secure = f"rtsp://yard:{engine.media.relay_port}/dome", f"rtsps://yard:{port}/dome"
    for request, expected in (
        (StreamRequest(host="yard"), f"{plain}/video"),
        (StreamRequest(host="yard", audio=True), plain),
        (StreamRequest(host="yard", metadata=True, transport=Transport.RTP_RTSP_HTTP), f"{plain}/video-metadata"),
        (StreamRequest(host="yard", video=False, metadata=True), f"{plain}/metadata"),
        (StreamRequest(host="yard", audio=True, transport=Transport.RTSPS), secure),
        (StreamRequest(host="yard", metadata=True, transport=Transport.SRTP), f"{secure}/srtp/video-metadata"),
    ):
        assert stream_url(engine, "dome", request) == expected
    for transport in (Transport.MULTICAST, Transport.SRTP_MULTICAST):
        with pytest.raises(Refused):
            stream_url(engine, "dome", StreamRequest(host="yard", transport=transport))
    assert engine.media.relay_url("dome", delivery=Delivery.SECURE) == f"rtsps://127.0.0.1:{port}/dome"


async def test_without_a_certificate_secure_addresses_are_refused(start_engine: StartEngine) -> None:
    engine = await start_engine()
    assert not streaming(engine).rtsps
    with pytest.raises(Refused, match="RTSPS"):
        stream_url(engine, "dome", StreamRequest(host="yard", transport=Transport.RTSPS))
