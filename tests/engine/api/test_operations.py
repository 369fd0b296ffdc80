"""What the operations do, and how they refuse."""

from __future__ import annotations

import errno
import socket
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.access import Role
from engine.api import ApiServer, ApiStartError, TlsFiles
from engine.api.application import OPERATIONS
from engine.api.server import why_not
from engine.core.events import CameraOffline, CaptureTaken
from engine.core.geometry import Box, Direction
from engine.core.values import TargetType, Track, TrackUpdate
from tests.engine.api.conftest import Api

NOON = 1_700_000_000.0


def capture(number: int) -> CaptureTaken:
    return CaptureTaken(
        at=NOON + number,
        capture_id=f"c{number}",
        link_id="yard-dome",
        channel="dome",
        track_id="t1",
        target_type=TargetType.PERSON,
        rule_id=None,
        picture="",
        background="",
        box=Box(0.1, 0.2, 0.3, 0.4),
        grade=0.8,
        target_direction=Direction(1.0, 2.0),
    )


async def test_the_state_and_the_stream_credentials(api: Api) -> None:
    status, state = await api.call("GET", "/state", role=Role.USER)
    assert status == 200
    assert [channel["id"] for channel in state["channels"]] == ["yard", "dome"]
    assert state["channels"][1]["pose"] is None
    assert (await api.call("GET", "/stream-credentials", role=Role.OPERATOR))[1] == {
        "username": "stream",
        "password": "relay-secret",
    }


async def test_snapshots(api: Api) -> None:
    url = api.address + "/channels/dome/snapshot.jpg"
    async with api.http.get(url, headers=api.headers(Role.USER)) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/jpeg"
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.read() == b"\xff\xd8jpeg"
    assert (await api.call("GET", "/channels/dome/snapshot.jpg?at=5"))[0] == 503
    assert (await api.call("GET", "/channels/attic/snapshot.jpg"))[0] == 404
    for query in ("at=noon", "at=nan", "at=-1", "when=5", "at=200&at=300"):
        status, answer = await api.call("GET", f"/channels/dome/snapshot.jpg?{query}")
        assert (status, answer["error"]["code"]) == (422, "invalid"), query


@pytest.mark.ledger("PTZ-1")
async def test_moves(api: Api) -> None:
    move = "/channels/dome/ptz/move"
    for body in (
        {"mode": "continuous", "pan": -1.0, "tilt": 0.5, "duration_s": 2},
        {"mode": "absolute", "pan": 170.0, "tilt": -20, "zoom": 0.5, "speed": 0.3},
        {"mode": "relative", "zoom": -0.1},
    ):
        assert await api.call("POST", move, body, role=Role.OPERATOR) == (204, {})
    _, channel, request, by = api.engine.asked[0]
    assert (channel, request.pan, request.zoom, request.duration_s, by) == ("dome", -1.0, None, 2.0, "operator1")
    for body in (
        {},
        {"mode": "continuous"},
        {"mode": "continuous", "pan": 1.1},
        {"mode": "continuous", "pan": "fast"},
        {"mode": "continuous", "pan": 1, "speed": 0},
        {"mode": "absolute", "tilt": 91},
        {"mode": "absolute", "zoom": -0.1},
        {"mode": "absolute", "pan": 10, "duration_s": 1},
        {"mode": "relative", "pan": 1, "tlit": 1},
        {"mode": "sideways", "pan": 1},
    ):
        assert (await api.call("POST", move, body))[0] == 422, body
    assert len(api.engine.asked) == 3
    status, answer = await api.call("POST", "/channels/yard/ptz/move", {"mode": "relative", "pan": 1})
    assert (status, answer["error"]) == (422, {"code": "not_possible", "message": "yard has no motors"})
    assert (await api.call("POST", "/channels/dome/ptz/stop"))[0] == 204
    assert (await api.call("POST", "/channels/dome/ptz/home"))[0] == 204


@pytest.mark.ledger("PTZ-2")
async def test_presets(api: Api) -> None:
    presets = "/channels/dome/presets"
    assert await api.call("POST", presets, {"name": "Gate"}) == (200, {"id": "p0", "name": "Gate"})
    assert (await api.call("GET", presets))[1] == {"presets": [{"id": "p0", "name": "Gate"}]}
    for name in ("", "   ", "x" * 65, "a\nb", None):
        assert (await api.call("POST", presets, {"name": name}))[0] == 422
    assert (await api.call("POST", f"{presets}/p0/goto"))[0] == 204, "the body may be left out"
    assert (await api.call("POST", f"{presets}/p0/goto", {"speed": 0.5}))[0] == 204
    assert [asked[3] for asked in api.engine.asked] == [1.0, 0.5]
    assert (await api.call("POST", f"{presets}/p9/goto", {}))[0] == 404
    assert (await api.call("DELETE", f"{presets}/p0"))[0] == 204
    assert (await api.call("DELETE", f"{presets}/p0"))[0] == 404


@pytest.mark.ledger("LINK-4")
async def test_links(api: Api) -> None:
    look = "/links/yard-dome/look_at"
    assert (await api.call("POST", look, {"x": 0.5, "y": 1}))[0] == 204
    assert (await api.call("POST", look, {"x": 0.5, "y": 0.5, "width": 0.1, "height": 0.2}))[0] == 204
    for body in ({"x": 0.5}, {"x": 1.5, "y": 0}, {"x": 0, "y": 0, "width": 0.1}):
        assert (await api.call("POST", look, body))[0] == 422, body
    track = "/links/yard-dome/track"
    assert await api.call("POST", track, {"x": 0.1, "y": 0.2}) == (200, {"track_id": "t1"})
    assert await api.call("POST", track, {"track_id": "t7"}) == (200, {"track_id": "t7"})
    for body in ({}, {"x": 0.1}, {"x": 0.1, "y": 0.1, "track_id": "t7"}):
        assert (await api.call("POST", track, body))[0] == 422, body
    assert (await api.call("POST", "/links/yard-dome/stop-tracking"))[0] == 204
    assert (await api.call("POST", "/links/nowhere/stop-tracking"))[0] == 404


async def test_tracks(api: Api) -> None:
    assert (await api.call("GET", "/channels/yard/tracks"))[1] == {"channel": "yard", "captured_at": None, "tracks": []}
    box = Box(0.1, 0.2, 0.3, 0.4)
    track = Track("t1", "yard", TargetType.PERSON, box, 0.9, NOON, NOON - 5, detected=True, confirmed=True)
    api.engine.newest = TrackUpdate("yard", NOON, (track,), 1.78)
    answer = (await api.call("GET", "/channels/yard/tracks"))[1]
    assert answer["captured_at"] == NOON
    assert answer["tracks"][0]["box"] == {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}


@pytest.mark.ledger("EVT-5")
async def test_events_and_captures_are_found(api: Api) -> None:
    await api.store.events.add(CameraOffline(at=NOON + 9, event_id="e1", channel="yard", reason="gone"))
    for number in range(3):
        await api.store.captures.add(capture(number), picture=b"small", background=b"large")
    assert (await api.call("GET", "/events?kind=camera_offline"))[1] == {
        "events": [{"kind": "camera_offline", "at": NOON + 9, "event_id": "e1", "channel": "yard", "reason": "gone"}]
    }
    assert len((await api.call("GET", f"/events?since={NOON}&limit=2"))[1]["events"]) == 2
    found = (await api.call("GET", f"/captures?before={NOON + 2}&channel=dome&target_type=person"))[1]["captures"]
    assert [each["id"] for each in found] == ["c1", "c0"]
    assert (await api.call("GET", "/captures/c2"))[1]["grade"] == 0.8
    for name, content in (("picture", b"small"), ("background", b"large")):
        async with api.http.get(f"{api.address}/captures/c1/{name}.jpg", headers=api.headers(Role.USER)) as answer:
            assert (answer.status, await answer.read()) == (200, content)
            assert "immutable" in answer.headers["Cache-Control"]
    assert (await api.call("GET", "/captures/c9/picture.jpg"))[0] == 404
    assert (await api.call("GET", "/events?limit=0"))[0] == 422
    assert (await api.call("GET", "/captures?target_type=ghost"))[0] == 422


async def test_a_picture_that_was_deleted_is_not_found(api: Api) -> None:
    kept = await api.store.captures.add(capture(1), picture=b"small", background=b"large")
    await api.store.blobs.remove(kept.picture)
    assert (await api.call("GET", "/captures/c1/picture.jpg"))[0] == 404


async def test_a_store_that_fails_is_told_without_details(api: Api, tmp_path: Path) -> None:
    kept = await api.store.captures.add(capture(1), picture=b"small", background=b"large")
    api.store.blobs.path(kept.picture).unlink()
    api.store.blobs.path(kept.picture).mkdir()
    status, answer = await api.call("GET", "/captures/c1/picture.jpg")
    assert (status, answer["error"]["code"]) == (503, "storage_error")
    assert str(tmp_path) not in answer["error"]["message"]


async def test_a_fault_inside_is_a_500_without_details(api: Api) -> None:
    status, answer = await api.call("POST", "/links/yard-dome/track", {"track_id": "explode"})
    assert (status, answer["error"]["code"]) == (500, "internal")
    assert "secret" not in str(answer)


async def test_errors_of_http_are_json_too(api: Api) -> None:
    status, answer = await api.call("GET", "/nowhere")
    assert (status, answer["error"]["code"]) == (404, "not_found")
    status, answer = await api.call("DELETE", "/state")
    assert (status, answer["error"]["code"]) == (405, "method_not_allowed")
    status, answer = await api.call("POST", "/session", {"username": "a", "password": "x" * 100_000})
    assert (status, answer["error"]["code"]) == (413, "too_large")


async def test_what_is_not_json_is_refused(api: Api) -> None:
    url = api.address + "/session"
    good = b'{"username":"ada","password":"x"}'
    for content, kind, status in (
        (good, "text/plain", 415),
        (good, "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 60_000, "application/json", 422),
        (b'{"username":"ada","password":' + b"[" * 60_000, "application/json", 422),
        (b'{"username":"\\ud800","password":"x"}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"", "application/json", 422),
    ):
        async with api.http.post(url, data=content, headers={"Content-Type": kind}) as answer:
            assert answer.status == status, (content[:40], await answer.text())


async def test_security_headers_and_no_cross_origin_answers(api: Api) -> None:
    async with api.http.get(
        api.address + "/state", headers={**api.headers(Role.USER), "Origin": "https://elsewhere.example"}
    ) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in answer.headers["Server"]
        assert "Access-Control-Allow-Origin" not in answer.headers


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
posts = [each for each in OPERATIONS if each.body is not None]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, object] | object]:
    each = draw(st.sampled_from(posts))
    assert each.body is not None
    names = st.sampled_from(each.body.__struct_fields__)
    numbers = st.sampled_from([0, 1, -1, 0.5, 1e308, -0.0, 2**70])
    words = st.sampled_from(["continuous", "absolute", "relative", "operator", "a b", "t1"])
    nearly = st.dictionaries(names, json_values | numbers | words, max_size=6)
    path = each.path.removeprefix("/api/v1")
    for name, thing in (("{channel_id}", "dome"), ("{link_id}", "yard-dome"), ("{preset_id}", "p0")):
        path = path.replace(name, thing)
    return each.method, path, draw(nearly | json_values)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests())
async def test_no_body_ever_makes_the_api_fail(fuzzed: Api, request: tuple[str, str, object]) -> None:
    method, path, body = request
    status, answer = await fuzzed.call(method, path, body)
    assert status < 500, answer


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/events", "/captures", "/channels/dome/snapshot.jpg"]),
    query=st.dictionaries(
        st.sampled_from(["since", "before", "at", "limit", "kind", "target_type", "x"]),
        st.text(max_size=12),
        max_size=3,
    ),
)
async def test_no_query_ever_makes_the_api_fail(fuzzed: Api, path: str, query: dict[str, str]) -> None:
    status, answer = await fuzzed.call("GET", path, params=query)
    assert status < 500 or answer["error"]["code"] == "not_available", answer


@pytest.fixture
async def fuzzed(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Without the limit on the pace of tries, which would answer most of them."""
    monkeypatch.setattr(api.access.lockout, "pace", lambda address: None)
    return api


async def test_a_port_in_use_is_named(api: Api) -> None:
    second = ApiServer(aiohttp.web.Application())
    with pytest.raises(ApiStartError, match=rf"127\.0\.0\.1:{api.server.port}: another program uses the port; stop it"):
        await second.start("127.0.0.1", api.server.port)
    await second.start("127.0.0.1", 0)
    await second.stop()


async def test_an_address_that_is_not_ours_is_named(socket_enabled: None) -> None:
    with pytest.raises(ApiStartError, match=r"192\.0\.2\.1:0: this machine has no such address"):
        await ApiServer(aiohttp.web.Application()).start("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the host name is not known; set api.host"),
        (PermissionError(errno.EACCES, "Permission denied"), "ports below 1024 need privileges"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "example:80: Cannot allocate memory"),
    ],
)
def test_other_reasons_not_to_listen_are_told(error: OSError, told: str) -> None:
    assert told in why_not("example", 80, error)


@pytest.fixture
def tls_files(tmp_path: Path) -> TlsFiles:
    files = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    make_certificate(files)
    return files


def make_certificate(files: TlsFiles) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(files.key), "-out", str(files.certificate)),
        ],
        check=True,
        capture_output=True,
    )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.ledger("NET-2")
async def test_tls(api: Api, tls_files: TlsFiles) -> None:
    app = aiohttp.web.Application()

    async def scheme(request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(text=request.scheme)

    app.router.add_get("/", scheme)
    server = ApiServer(app)
    await server.start("127.0.0.1", 0, tls_files)
    try:
        trust = ssl.create_default_context(cafile=tls_files.certificate)
        async with api.http.get(f"https://127.0.0.1:{server.port}/", ssl=trust) as answer:
            assert await answer.text() == "https"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(tls_files.certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(aiohttp.ClientError):
            await api.http.get(f"https://127.0.0.1:{server.port}/", ssl=old)
    finally:
        await server.stop()


async def test_tls_files_that_cannot_be_used_are_named(tls_files: TlsFiles, tmp_path: Path) -> None:
    server = ApiServer(aiohttp.web.Application())
    with pytest.raises(ApiStartError, match=r"there is no file .*nowhere\.pem"):
        await server.start("127.0.0.1", 0, TlsFiles(tmp_path / "nowhere.pem", tls_files.key))
    other = TlsFiles(tmp_path / "cert2.pem", tmp_path / "key2.pem")
    make_certificate(other)
    with pytest.raises(ApiStartError, match="the key must belong to the certificate"):
        await server.start("127.0.0.1", 0, TlsFiles(tls_files.certificate, other.key))
    other.key.write_text("rubbish")
    with pytest.raises(ApiStartError, match="both must be PEM files"):
        await server.start("127.0.0.1", 0, TlsFiles(tls_files.certificate, other.key))
    subprocess.run(
        ["openssl", "ec", "-in", str(tls_files.key), "-aes256", "-passout", "pass:secret", "-out", str(other.key)],
        check=True,
        capture_output=True,
    )
    with pytest.raises(ApiStartError, match="has a password"):
        await server.start("127.0.0.1", 0, TlsFiles(tls_files.certificate, other.key))
