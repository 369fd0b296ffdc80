"""SOAP itself: envelopes, headers, faults, and what a hostile client can send."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from onvif_host import Running
from onvif_soap_client import DEVICE_PATH, SoapClient, checked, envelope

from onvif_server import DeviceSettings
from onvif_server.backend import Caller
from onvif_server.security.access import Access
from onvif_server.soap import names
from onvif_server.soap.dispatcher import Answer, Origin
from onvif_server.soap.envelope import Request, parse_request
from onvif_server.soap.faults import Fault
from onvif_server.soap.schema import FOLDER, WSDL_FILES, load_schemas

pytestmark = pytest.mark.ledger("ONVIF-1")

HOSTNAME = "<tds:GetHostname/>"


async def answer(running: Running, body: bytes) -> Answer:
    """The device's answer to a body, as an administrator's, without HTTP."""

    def admit(request: Request, access: Access) -> Caller:
        return Caller("admin", "192.0.2.1")

    origin = Origin(
        base_url="http://192.0.2.2", host="192.0.2.2", local_address="192.0.2.2", subscription=None, connected=bool
    )
    return await running.device._endpoint._dispatcher.answer(body, origin, admit)


@pytest.mark.parametrize("media_type", ["application/soap+xml", "text/xml", "application/soap+xml; action=x"])
async def test_soap_comes_under_several_names(client: SoapClient, media_type: str) -> None:
    response = await client.send(envelope(HOSTNAME).encode(), headers={"Content-Type": media_type})
    assert response.status == 200
    assert response.headers["Content-Type"].startswith(media_type.partition(";")[0])


async def test_other_media_types_are_refused(client: SoapClient) -> None:
    headers = {"Content-Type": "application/json"}
    async with client.session.post(f"{client.running.url}{DEVICE_PATH}", data=b"{}", headers=headers) as reply:
        assert reply.status == 415


async def test_an_addressed_request_gets_an_addressed_response(client: SoapClient) -> None:
    header = "<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action s:mustUnderstand='1'>x</wsa:Action>"
    response = await client.call(HOSTNAME, header=header)
    found = response.envelope.find(names.tag(names.ENVELOPE, "Header"))
    assert found.findtext(names.tag(names.ADDRESSING, "RelatesTo")) == "urn:uuid:1"
    action = found.findtext(names.tag(names.ADDRESSING, "Action"))
    assert action == "http://www.onvif.org/ver10/device/wsdl/Device/GetHostnameResponse"


async def test_a_plain_request_gets_no_headers(client: SoapClient) -> None:
    response = await client.call(HOSTNAME)
    assert response.envelope.find(names.tag(names.ENVELOPE, "Header")) is None


async def test_operations_are_answered_at_any_service_address(client: SoapClient) -> None:
    assert (await client.call("<tptz:GetNodes/>", "/onvif/media_service")).status == 200


async def test_a_request_by_get_is_no_request(client: SoapClient) -> None:
    async with client.session.get(f"{client.running.url}{DEVICE_PATH}") as reply:
        assert reply.status == 405


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        ("not xml", ["s:Sender", "ter:WellFormed"]),
        ("<a/>", ["s:Sender", "ter:WellFormed"]),
        (envelope(""), ["s:Sender", "ter:WellFormed"]),
        (envelope(HOSTNAME * 2), ["s:Sender", "ter:WellFormed"]),
        (envelope("<!DOCTYPE a>" + HOSTNAME), ["s:Sender", "ter:WellFormed"]),
        (f'<e:Envelope xmlns:e="{names.ENVELOPE_11}"><e:Body/></e:Envelope>', ["s:VersionMismatch"]),
        (envelope(HOSTNAME, "<x:y xmlns:x='urn:x' s:mustUnderstand='true'/>"), ["s:MustUnderstand"]),
        (envelope("<a>" * 100 + "</a>" * 100), ["s:Sender", "ter:WellFormed"]),
    ],
)
async def test_what_is_no_proper_envelope_is_refused_with_a_fault(
    client: SoapClient, document: str, codes: list[str]
) -> None:
    response = await client.send(document.encode())
    assert response.subcodes == codes
    assert response.status == (400 if codes[0] == "s:Sender" else 500)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7"])
async def test_entities_are_refused_in_any_encoding(client: SoapClient, encoding: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    document = f'<?xml version="1.0" encoding="{encoding}"?>{bomb}{envelope("<a>&b;&c;</a>")}'
    response = await client.send(document.encode(encoding))
    assert response.subcodes == ["s:Sender", "ter:WellFormed"]
    assert "root:" not in "".join(response.content.itertext())


@pytest.mark.ledger("ONVIF-2")
@pytest.mark.parametrize(
    "document",
    [
        envelope("<a>" * 65 + "</a>" * 65).encode(),
        b"<a>" * 30_000,
        b"<a " + b" ".join(b'a%d=""' % number for number in range(65)) + b"/>",
        b"<a " + b" ".join(b'a%d=""' % number for number in range(20_000)) + b"/>",
        b"<a " + b" ".join(b'xmlns:a%d="u"' % number for number in range(9_000)) + b"/>",
        b"<a>" + b"<b/>" * 21_000 + b"</a>",
        "<!DOCTYPE a><a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32"),
        '<?xml version="1.0" encoding="cp037"?><!DOCTYPE a><a/>'.encode("cp037"),
        b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        b'<?xml version="1.0" encoding="shift_jis"?><a/>',
    ],
    ids=lambda document: f"{document[:24]!r}-{len(document)}",
)
async def test_floods_and_foreign_encodings_are_refused_at_once(client: SoapClient, document: bytes) -> None:
    before = time.process_time()
    response = await client.send(document)
    assert response.subcodes == ["s:Sender", "ter:WellFormed"]
    assert time.process_time() - before < 0.25


@pytest.mark.ledger("ONVIF-2")
@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "us-ascii", "ISO-8859-1", "windows-1252"])
async def test_encodings_like_ascii_are_read(client: SoapClient, encoding: str) -> None:
    document = f"<?xml version='1.0' encoding='{encoding}'?>{envelope(HOSTNAME)}"
    assert (await client.send(document.encode())).status == 200


@pytest.mark.ledger("ONVIF-2")
def test_no_setting_lets_requests_of_more_than_a_mebibyte_in() -> None:
    with pytest.raises(ValueError, match="1048576"):
        DeviceSettings(maximum_request_bytes=1024 * 1024 + 1)


@pytest.mark.ledger("ONVIF-2")
async def test_a_large_request_without_announced_length_is_refused(client: SoapClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    headers = {"Content-Type": "application/soap+xml"}
    async with client.session.post(f"{client.running.url}{DEVICE_PATH}", data=pieces(), headers=headers) as reply:
        assert reply.status == 413


async def test_a_request_that_is_too_large_is_refused(client: SoapClient) -> None:
    response = await client.send(envelope(f"<a>{'x' * 300_000}</a>").encode())
    assert response.status == 413


async def test_an_unknown_operation_is_named_to_the_administrator_only(client: SoapClient) -> None:
    response = await client.call("<tds:GetAccessPolicy/>")
    assert response.subcodes == ["s:Receiver", "ter:ActionNotSupported"]
    for username in ("operator", None):
        client.username = username
        assert (await client.call("<tds:GetAccessPolicy/>")).subcodes[-1] == "ter:NotAuthorized"


@pytest.mark.parametrize(
    "body",
    [
        "<tds:GetServices/>",
        "<tds:GetServices><tds:IncludeCapability>perhaps</tds:IncludeCapability></tds:GetServices>",
        "<tds:GetCapabilities><tds:Category>Cheese</tds:Category></tds:GetCapabilities>",
        "<tptz:Stop><tptz:ProfileToken>dome-profile</tptz:ProfileToken><tptz:Bogus/></tptz:Stop>",
        '<tptz:AbsoluteMove><tptz:ProfileToken>dome-profile</tptz:ProfileToken><tptz:Position><tt:PanTilt x="q" y="0"/>'
        "</tptz:Position></tptz:AbsoluteMove>",
    ],
)
async def test_a_request_against_the_schema_is_refused(client: SoapClient, body: str) -> None:
    response = await client.call(body)
    assert response.status == 400
    assert response.subcodes == ["s:Sender", "ter:InvalidArgs"]


async def test_line_breaks_inside_values_are_forgiven(client: SoapClient) -> None:
    body = "<tds:GetServices><tds:IncludeCapability>\n  true\n</tds:IncludeCapability></tds:GetServices>"
    assert (await client.call(body)).status == 200
    body = "<trt:GetProfile><trt:ProfileToken>\r\n dome-profile </trt:ProfileToken></trt:GetProfile>"
    assert (await client.call(body)).status == 200


async def test_a_mistake_of_the_host_shows_nothing_of_its_inside(
    client: SoapClient, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(channel: str, host: str) -> str:
        raise RuntimeError("secret inside")

    running.host.stream_uri = broken  # type: ignore[method-assign]
    response = await client.call("<tds:GetNetworkProtocols/>")
    assert response.status == 500
    assert "secret inside" not in "".join(response.content.itertext())
    assert "secret inside" in caplog.text


@given(body=st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    with contextlib.suppress(Fault):  # any other error fails the test
        parse_request(body)


_TAGS = st.sampled_from(sorted(f"{{{namespace}}}" for namespace in names.PREFIXES.values()))
_NAMES = st.sampled_from(
    (
        *("GetServices", "GetProfiles", "AbsoluteMove", "Position", "PanTilt", "Zoom", "Speed", "ContinuousMove"),
        *("Velocity", "Timeout", "SetPreset", "PresetName", "CreatePullPointSubscription", "Filter"),
        *("TopicExpression", "InitialTerminationTime", "PullMessages", "MessageLimit", "ProfileToken", "Renew"),
        *("TerminationTime", "StreamSetup", "Protocol", "GetStreamUri", "RelativeMove", "Translation"),
    )
)
_TEXTS = st.sampled_from(
    ["", "true", "-1", "1e999", "NaN", "INF", "PT1S", "P99999999Y", "-PT5S", "dome-profile", "2020-01-01T00:00:00Z"]
) | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=20)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    element = etree.Element(draw(_TAGS) + draw(_NAMES), nsmap=names.PREFIXES)
    for name in draw(st.lists(st.sampled_from(["x", "y", "space", "Dialect", "token"]), unique=True, max_size=3)):
        element.set(name, draw(_TEXTS))
    children = draw(st.lists(elements(depth - 1), max_size=3)) if depth else []
    if children:
        element.extend(children)
    else:
        element.text = draw(_TEXTS)
    return element


@given(element=elements())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_element_is_answered_and_never_by_an_internal_error(element: etree._Element) -> None:
    running = Running()
    reply = await answer(running, envelope(etree.tostring(element).decode()).encode())
    root = checked(reply.body)
    assert b"internal error" not in reply.body, etree.tostring(root)


_NUMBERS = st.sampled_from(["0", "-1", "1", "NaN", "INF", "-INF", "1e308", "0.5", "2"])
_SPACES = st.sampled_from(
    [
        "",
        ' space="http://www.onvif.org/ver10/tptz/PanTiltSpaces/SphericalPositionSpaceDegrees"',
        ' space="http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"',
        ' space="urn:nowhere"',
    ]
)


@given(
    move=st.sampled_from(
        [("AbsoluteMove", "Position"), ("RelativeMove", "Translation"), ("ContinuousMove", "Velocity")]
    ),
    numbers=st.tuples(_NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS),
    space=_SPACES,
    timeout=st.sampled_from(["", "PT1S", "-PT1S", "PT0S", "P1Y2M", "P999999999999Y", "PT99999999999999999999S"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
async def test_no_number_of_a_client_reaches_the_motors_out_of_its_range(
    move: tuple[str, str], numbers: tuple[str, str, str, str], space: str, timeout: str
) -> None:
    running = Running()
    name, argument = move
    pan, tilt, zoom, speed = numbers
    rest = f'<tptz:Speed><tt:PanTilt x="{speed}" y="{speed}"/></tptz:Speed>'
    if name == "ContinuousMove":
        rest = f"<tptz:Timeout>{timeout}</tptz:Timeout>" if timeout else ""
    body = (
        f"<tptz:{name}><tptz:ProfileToken>dome-profile</tptz:ProfileToken><tptz:{argument}>"
        f'<tt:PanTilt x="{pan}" y="{tilt}"{space}/><tt:Zoom x="{zoom}"/></tptz:{argument}>{rest}</tptz:{name}>'
    )
    reply = await answer(running, envelope(body).encode())
    checked(reply.body)
    assert b"internal error" not in reply.body
    for _, arguments in running.host.head.commands:
        for key, value in arguments.items():
            if isinstance(value, float):
                limit = {"pan_deg": 360.0, "tilt_deg": 110.0, "timeout_s": 60.0}.get(key, 1.0)
                assert -limit <= value <= limit


def test_the_schema_set_is_as_published() -> None:
    # The licence allows unmodified copies with their notices.
    for file in WSDL_FILES.values():
        assert "Copyright (c)" in (FOLDER / file).read_text(encoding="utf-8")
    assert (FOLDER / "LICENSE").is_file()


def test_the_schema_set_knows_what_is_wrong() -> None:
    schemas = load_schemas()
    wrong = etree.fromstring(
        f'<trt:GetProfilesResponse xmlns:trt="{names.MEDIA}"><trt:Oops/></trt:GetProfilesResponse>'
    )
    assert "Oops" in (schemas.invalidity(wrong) or "")
    assert schemas.operation(names.tag(names.MEDIA, "Oops")) is None
