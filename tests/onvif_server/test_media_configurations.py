"""Configurations of both media services: what can be set is set, what cannot is refused and not offered."""

from __future__ import annotations

import pytest
import sample_media
import sample_media2
from onvif_host import Host
from onvif_soap_client import SoapClient

from onvif_server.backend import (
    AudioFormat,
    MulticastTarget,
    OsdKind,
    Refusal,
    Refused,
    StreamingAbilities,
    StreamKind,
    Transport,
    VideoChannel,
)
from onvif_server.soap import names

pytestmark = pytest.mark.ledger("ONVIF-2")

MODIFY = ["s:Sender", "ter:InvalidArgVal", "ter:ConfigModify"]


def request(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def sample(name: str) -> str:
    found = sample_media.REQUESTS | sample_media2.REQUESTS
    return request(name, found[name])


async def test_media2_sets_the_encoder_of_the_host(client: SoapClient, host: Host) -> None:
    assert (await client.call(sample("tr2:SetVideoEncoderConfiguration"))).status == 200
    now = host.chip.present
    assert (now.width, now.height, now.fps, now.bitrate_kbps) == (1280, 720, 12.5, 2048)
    assert (now.gov_length, now.profile, now.quality, now.constant_bitrate) == (30, "High", 7.0, True)
    assert host.chip.callers[0].username == "admin"


async def test_media_ver10_sets_it_with_its_own_words(client: SoapClient, host: Host) -> None:
    assert (await client.call(sample("trt:SetVideoEncoderConfiguration"))).status == 200
    now = host.chip.present
    # Whole pictures a second are all that ver10 knows: 12 means the 12.5 that the encoder has.
    assert (now.width, now.fps, now.bitrate_kbps, now.gov_length, now.profile) == (1280, 12.5, 2048, 25, "High")


@pytest.mark.parametrize(("asked", "taken"), [(1, 256), (99999, 8192)])
async def test_a_bit_rate_beyond_the_options_becomes_the_nearest(
    client: SoapClient, host: Host, asked: int, taken: int
) -> None:
    body = sample("tr2:SetVideoEncoderConfiguration").replace(">2048<", f">{asked}<")
    assert (await client.call(body)).status == 200
    assert host.chip.present.bitrate_kbps == taken


async def test_every_codec_of_an_encoder_is_counted(client: SoapClient) -> None:
    source = "<tr2:ConfigurationToken>dome-source-config</tr2:ConfigurationToken>"
    response = await client.call(f"<tr2:GetVideoEncoderInstances>{source}</tr2:GetVideoEncoderInstances>")
    assert (response.texts("Encoding"), response.texts("Total")) == (["H264", "JPEG"], ["1"])


async def test_multicast_needs_a_channel_that_is_sent_so(client: SoapClient) -> None:
    stream = "<tr2:Protocol>RtspMulticast</tr2:Protocol><tr2:ProfileToken>yard-profile</tr2:ProfileToken>"
    response = await client.call(f"<tr2:GetStreamUri>{stream}</tr2:GetStreamUri>")
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:InvalidMulticastSettings"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<tt:Width>1280<", "<tt:Width>1279<"),
        ("12.5</tt:Frame", "60</tt:Frame"),
        ("<tt:Quality>7<", "<tt:Quality>70<"),
        ("H264", "H265"),
        ("<tt:Quality>7<", "<tt:Quality>NaN<"),
        ("12.5</tt:Frame", "NaN</tt:Frame"),
    ],
)
async def test_values_beyond_the_options_are_refused(client: SoapClient, host: Host, old: str, new: str) -> None:
    before = host.chip.present
    body = sample("tr2:SetVideoEncoderConfiguration")
    assert old in body
    assert (await client.call(body.replace(old, new))).subcodes == MODIFY
    assert host.chip.present == before


async def test_an_encoder_that_cannot_be_set_takes_only_what_it_is(client: SoapClient) -> None:
    options = await client.call("<tr2:GetVideoEncoderConfigurationOptions/>")
    yard = options.content[0]
    assert yard.get("FrameRatesSupported") == "12.5"
    content = (
        f"{sample_media.HEAD}<tt:Encoding>H264</tt:Encoding>"
        "<tt:Resolution><tt:Width>1280</tt:Width><tt:Height>{}</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality>"
    )
    body = (
        '<tr2:SetVideoEncoderConfiguration><tr2:Configuration token="yard-encoder-config">{}</tr2:Configuration>'
        "</tr2:SetVideoEncoderConfiguration>"
    )
    assert (await client.call(body.format(content.format(720)))).status == 200
    assert (await client.call(body.format(content.format(480)))).subcodes == MODIFY


async def test_a_refusal_of_the_host_reaches_the_client(client: SoapClient, host: Host) -> None:
    host.chip.refusal = Refused(Refusal.UNAVAILABLE, "the camera is offline")
    response = await client.call(sample("tr2:SetVideoEncoderConfiguration"))
    assert response.subcodes == ["s:Receiver", "ter:Action"]
    # What is known without the encoder is still told.
    assert (await client.call("<tr2:GetVideoEncoderConfigurations/>")).texts("Encoding") == ["H264", "H264"]


@pytest.mark.parametrize("service", ["trt", "tr2"])
@pytest.mark.parametrize("kind", ["VideoSource", "VideoEncoder", "AudioSource", "AudioEncoder", "Metadata"])
async def test_a_change_is_an_event_and_the_name_stays(client: SoapClient, service: str, kind: str) -> None:
    subscription = (await client.call("<tev:CreatePullPointSubscription/>")).texts("Address")[0]
    assert (await client.call(sample(f"{service}:Set{kind}Configuration"))).status == 200
    pull = (
        "<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit></tev:PullMessages>"
    )
    messages = (await client.call(pull, subscription)).content.findall(".//{*}NotificationMessage")
    (changed,) = (one for one in messages if one.findtext("{*}Topic") == "tns1:Media/ConfigurationChanged")
    assert {item.get("Name"): item.get("Value") for item in changed.iterfind(".//{*}SimpleItem")} == {
        "Token": sample_media.TOKENS[kind],
        "Type": kind,
    }
    assert "Renamed" in (await client.call(f"<{service}:Get{kind}Configurations/>")).texts("Name")


async def test_metadata_tells_what_the_client_chose(client: SoapClient) -> None:
    events = (
        '<tt:Events><tt:Filter><wsnt:TopicExpression xmlns:t="http://www.onvif.org/ver10/topics" '
        'Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">t:VideoSource//.</wsnt:TopicExpression>'
        "</tt:Filter></tt:Events>"
    )
    body = sample("tr2:SetMetadataConfiguration").replace("<tt:Events/>", events)
    assert (await client.call(body)).status == 200
    setting = client.running.device.media.media.metadata.of("dome")
    assert (setting.analytics, setting.ptz_status, setting.ptz_position) == (True, True, False)
    assert setting.events is not None
    assert setting.events.matches("tns1:VideoSource/MotionAlarm")
    assert not setting.events.matches("tns1:RuleEngine/LineDetector/Crossed")
    shown = await client.call("<tr2:GetMetadataConfigurations/>")
    # The client's prefix has become one of ours, which every envelope declares.
    assert shown.texts("TopicExpression") == ["tns1:VideoSource//."]
    await client.call(sample("tr2:SetMetadataConfiguration").replace("<tt:Events/>", ""))
    assert client.running.device.media.media.metadata.of("dome").events is None


async def test_a_filter_for_topics_that_are_not_there_is_refused(client: SoapClient) -> None:
    expression = f'<wsnt:TopicExpression Dialect="{names.CONCRETE_SET}">tns1:Nowhere</wsnt:TopicExpression>'
    events = f"<tt:Events><tt:Filter>{expression}</tt:Filter></tt:Events>"
    body = sample("tr2:SetMetadataConfiguration").replace("<tt:Events/>", events)
    assert (await client.call(body)).subcodes == MODIFY


@pytest.mark.parametrize(
    ("protocol", "transport"),
    [
        ("RtspUnicast", Transport.RTP_UDP),
        ("RTSP", Transport.RTP_RTSP_TCP),
        ("RtspOverHttp", Transport.RTP_RTSP_HTTP),
        ("RtspMulticast", Transport.MULTICAST),
        ("RtspsUnicast", Transport.SRTP),
        ("RtspsMulticast", Transport.SRTP_MULTICAST),
    ],
)
async def test_each_protocol_asks_the_host_for_its_transport(
    client: SoapClient, host: Host, protocol: str, transport: Transport
) -> None:
    body = sample("tr2:GetStreamUri").replace("RtspUnicast", protocol)
    assert (await client.call(body)).status == 200
    assert host.requested[-1].transport is transport
    host.abilities = StreamingAbilities()
    refused = protocol not in ("RtspUnicast", "RTSP")
    assert ((await client.call(body)).status == 400) is refused


async def test_multicast_goes_where_the_client_says(client: SoapClient, host: Host) -> None:
    first = dict(host.sender.targets)
    assert set(first) == set(StreamKind)
    target = sample_media.NO_MULTICAST.replace("0.0.0.0", "239.1.2.3").replace("Port>0<", "Port>5000<")
    body = sample("trt:SetAudioEncoderConfiguration").replace(
        sample_media.NO_MULTICAST, target.replace("TTL>0<", "TTL>4<")
    )
    assert (await client.call(body)).status == 200
    assert host.sender.targets == first | {StreamKind.AUDIO: MulticastTarget("239.1.2.3", 5000, 4)}
    for wrong in (body.replace("239.1.2.3", "10.0.0.1"), body.replace("5000", "5001")):
        assert (await client.call(wrong)).subcodes == MODIFY


IPV6 = sample_media.NO_MULTICAST.replace(
    "<tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address>",
    "<tt:Type>IPv6</tt:Type><tt:IPv6Address>ff15::7</tt:IPv6Address>",
)
IPV6 = IPV6.replace("Port>0<", "Port>5000<").replace("TTL>0<", "TTL>4<")


@pytest.mark.parametrize("part", ["VideoEncoder", "AudioEncoder", "Metadata"])
@pytest.mark.parametrize("service", ["trt", "tr2"])
async def test_an_ipv6_multicast_address_is_refused_at_once_where_none_can_be_sent_to(
    client: SoapClient, host: Host, service: str, part: str
) -> None:
    body = sample(f"{service}:Set{part}Configuration").replace(sample_media.NO_MULTICAST, IPV6)
    if IPV6 not in body:  # Media2's examples leave it out
        after = {"VideoEncoder": "<tt:Quality>", "AudioEncoder": "<tt:Bitrate>"}[part]
        body = body.replace(after, IPV6 + after)
    before = dict(host.sender.targets)
    assert (await client.call(body)).subcodes == MODIFY
    assert host.sender.targets == before
    host.sender.ipv6 = True
    assert (await client.call(body)).status == 200
    assert MulticastTarget("ff15::7", 5000, 4) in host.sender.targets.values()


async def test_multicast_runs_until_its_profiles_are_stopped_or_gone(client: SoapClient, host: Host) -> None:
    await client.call(sample("tr2:StartMulticastStreaming"))
    assert host.sender.sending == set(StreamKind)
    assert "true" in (await client.call("<tr2:GetVideoEncoderConfigurations/>")).texts("AutoStart")
    await client.call(sample("tr2:RemoveConfiguration"))
    assert host.sender.sending == {StreamKind.VIDEO, StreamKind.AUDIO}
    await client.call(sample("tr2:StopMulticastStreaming"))
    assert host.sender.sending == set()
    yard = sample("tr2:StartMulticastStreaming").replace("dome", "yard")
    assert (await client.call(yard)).subcodes[-1] == "ter:ActionNotSupported"


async def test_texts_on_the_picture_come_change_and_go(client: SoapClient, host: Host) -> None:
    plain = sample_media.OSD.format("Plain", "<tt:PlainText>Gate &amp; yard</tt:PlainText>")
    token = (await client.call(f'<tr2:CreateOSD><tr2:OSD token="">{plain}</tr2:OSD></tr2:CreateOSD>')).texts("OSDToken")
    text = host.captions.kept[token[0]]
    assert (text.kind, text.text, text.position, text.x, text.y) == (OsdKind.PLAIN, "Gate & yard", None, 0.5, -0.5)
    full = await client.call(f'<trt:CreateOSD><trt:OSD token="">{plain}</trt:OSD></trt:CreateOSD>')
    assert full.subcodes == ["s:Receiver", "ter:Action", "ter:MaxOSDs"]
    assert (await client.call("<tr2:GetOSDs/>")).texts("PlainText") == ["Gate & yard"]
    for body, subcode in (
        (plain.replace("dome-source", "yard-source"), "ter:ActionNotSupported"),
        (plain.replace("x='0.5'", "x='2'"), "ter:ConfigModify"),
        (sample_media.OSD.format("Wobble", ""), "ter:ConfigModify"),
    ):
        response = await client.call(f'<tr2:SetOSD><tr2:OSD token="{token[0]}">{body}</tr2:OSD></tr2:SetOSD>')
        assert response.subcodes[-1] == subcode
    assert (await client.call(sample("tr2:DeleteOSD"))).status == 200
    assert set(host.captions.kept) == set(token)


async def test_a_channel_without_texts_has_room_for_none(client: SoapClient) -> None:
    response = await client.call(sample("tr2:GetOSDOptions").replace("dome", "yard"))
    assert response.content.find(".//{*}MaximumNumberOfOSDs").get("Total") == "0"


async def test_what_ver10_has_no_words_for_is_for_media2_only(client: SoapClient, host: Host) -> None:
    host.extra_channels = (
        VideoChannel(token="hall", name="Hall", width=640, height=480, fps=5.0, audio=AudioFormat(encoding="OPUS")),
        VideoChannel(token="still", name="Still", width=640, height=480, fps=1.0, encoding="JPEG"),
    )
    hall, still = (await client.call("<trt:GetProfiles/>")).content[2:]
    assert hall.find("{*}AudioEncoderConfiguration") is None
    assert still.findtext(".//{*}Encoding") == "JPEG"
    assert "OPUS" in (await client.call("<tr2:GetAudioEncoderConfigurations/>")).texts("Encoding")


async def test_capabilities_tell_what_the_host_can_do(client: SoapClient, host: Host) -> None:
    streaming = (await client.call("<tr2:GetServiceCapabilities/>")).content.find(".//{*}StreamingCapabilities")
    assert streaming.get("RTPMulticast") == streaming.get("SecureRTSPStreaming") == "true"
    host.abilities = StreamingAbilities()
    capabilities = (await client.call("<tr2:GetServiceCapabilities/>")).content[0]
    assert capabilities.find("{*}StreamingCapabilities").get("RTPMulticast") == "false"
    assert "Metadata" not in capabilities.find("{*}ProfileCapabilities").get("ConfigurationsSupported").split()
    assert (await client.call("<trt:GetMetadataConfigurations/>")).content.find(".//{*}Configurations") is None


async def test_profiles_show_the_ptz_configuration_as_the_ptz_service_does(client: SoapClient) -> None:
    own = (await client.call("<tptz:GetConfigurations/>")).content[0]
    shown = (await client.call("<trt:GetProfiles/>")).content.find(".//{*}PTZConfiguration")
    assert [(part.tag, part.text, dict(part.attrib)) for part in shown.iter() if part is not shown] == [
        (part.tag, part.text, dict(part.attrib)) for part in own.iter() if part is not own
    ]
