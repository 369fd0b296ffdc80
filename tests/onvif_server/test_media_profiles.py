"""Profiles: what clients create, change and remove, over restarts and whatever the order."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from onvif_host import Host, Running
from onvif_soap_client import SoapClient

from onvif_server.backend import FileMemory, StreamRequest, Transport, VolatileMemory
from onvif_server.media.parts import Part, holders, parts_of, token_of
from onvif_server.media.profiles import MAXIMUM_CREATED, Profiles
from onvif_server.soap.faults import Fault

pytestmark = pytest.mark.ledger("ONVIF-2")

ALL = "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>"


def create(name: str, token: str) -> str:
    return f"<trt:CreateProfile><trt:Name>{name}</trt:Name><trt:Token>{token}</trt:Token></trt:CreateProfile>"


def change(verb: str, profile: str, *kinds: str, channel: str = "dome") -> str:
    parts = "".join(
        f"<tr2:Configuration><tr2:Type>{kind}</tr2:Type>"
        + (f"<tr2:Token>{token_of(Part(kind), channel)}</tr2:Token>" if verb == "Add" else "")
        + "</tr2:Configuration>"
        for kind in kinds
    )
    return f"<tr2:{verb}Configuration><tr2:ProfileToken>{profile}</tr2:ProfileToken>{parts}</tr2:{verb}Configuration>"


async def profile_of(client: SoapClient, token: str) -> etree._Element:
    body = f"<tr2:GetProfiles><tr2:Token>{token}</tr2:Token><tr2:Type>All</tr2:Type></tr2:GetProfiles>"
    return (await client.call(body)).content[0]


def held(profile: etree._Element) -> set[str]:
    configurations = profile.find("{*}Configurations")
    return set() if configurations is None else {etree.QName(part).localname for part in configurations}


async def test_a_profile_that_a_client_builds_streams_what_it_holds(client: SoapClient, host: Host) -> None:
    await client.call(create("Video only", "mine"))
    response = await client.call(change("Add", "mine", "VideoSource", "VideoEncoder"))
    assert response.status == 200
    uri = "<tr2:GetStreamUri><tr2:Protocol>RtspOverHttp</tr2:Protocol><tr2:ProfileToken>{}</tr2:ProfileToken>"
    await client.call(uri.format("mine") + "</tr2:GetStreamUri>")
    await client.call(uri.format("dome-profile") + "</tr2:GetStreamUri>")
    http = Transport.RTP_RTSP_HTTP
    assert host.requested == [
        StreamRequest(host="127.0.0.1", transport=http),
        StreamRequest(host="127.0.0.1", transport=http, audio=True, metadata=True, back_channel=True),
    ]


async def test_an_empty_profile_has_nothing_to_stream(client: SoapClient) -> None:
    await client.call(create("Empty", "mine"))
    for operation in ("<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol>{}</tr2:GetStreamUri>",):
        response = await client.call(operation.format("<tr2:ProfileToken>mine</tr2:ProfileToken>"))
        assert response.subcodes == ["s:Receiver", "ter:Action", "ter:IncompleteConfiguration"]


async def test_ptz_goes_with_the_configuration(client: SoapClient) -> None:
    await client.call(create("Mine", "mine"))
    status = "<tptz:GetStatus><tptz:ProfileToken>mine</tptz:ProfileToken></tptz:GetStatus>"
    assert (await client.call(status)).subcodes[-1] == "ter:NoPTZProfile"
    await client.call(change("Add", "mine", "PTZ"))
    assert (await client.call(status)).status == 200
    await client.call(change("Remove", "mine", "All"))
    assert (await client.call(status)).subcodes[-1] == "ter:NoPTZProfile"


async def test_a_profile_shows_one_channel(client: SoapClient) -> None:
    await client.call(create("Mine", "mine"))
    await client.call(change("Add", "mine", "VideoSource"))
    response = await client.call(change("Add", "mine", "VideoEncoder", channel="yard"))
    assert response.subcodes == ["s:Receiver", "ter:Action", "ter:ConfigurationConflict"]
    # The only configuration may be replaced by that of another channel.
    assert (await client.call(change("Add", "mine", "VideoSource", channel="yard"))).status == 200


async def test_all_or_none_of_the_configurations_are_added(client: SoapClient) -> None:
    await client.call(create("Mine", "mine"))
    response = await client.call(change("Add", "mine", "Metadata", "Analytics"))
    assert response.subcodes == ["s:Sender", "ter:InvalidArgVal", "ter:NoConfig"]
    assert held(await profile_of(client, "mine")) == set()


async def test_what_a_profile_has_not_is_ignored_where_it_is_removed(client: SoapClient) -> None:
    before = held(await profile_of(client, "dome-profile"))
    assert (await client.call(change("Remove", "dome-profile", "Receiver"))).status == 200
    assert held(await profile_of(client, "dome-profile")) == before


async def test_the_type_all_is_ignored_where_configurations_are_added(client: SoapClient) -> None:
    await client.call(create("Mine", "mine"))
    request = (
        "<tr2:AddConfiguration><tr2:ProfileToken>mine</tr2:ProfileToken><tr2:Name>Named</tr2:Name>"
        "<tr2:Configuration><tr2:Type>All</tr2:Type></tr2:Configuration></tr2:AddConfiguration>"
    )
    assert (await client.call(request)).status == 200
    profile = await profile_of(client, "mine")
    assert (profile.findtext("{*}Name"), held(profile)) == ("Named", set())


async def test_a_profile_without_a_picture_has_no_snapshot(client: SoapClient) -> None:
    await client.call(create("Mine", "mine"))
    await client.call(change("Add", "mine", "PTZ"))
    request = "<tr2:GetSnapshotUri><tr2:ProfileToken>mine</tr2:ProfileToken></tr2:GetSnapshotUri>"
    assert (await client.call(request)).subcodes[-1] == "ter:IncompleteConfiguration"


@pytest.mark.parametrize(
    ("body", "subcodes"),
    [
        (create("x", "dome-profile"), ["s:Sender", "ter:InvalidArgVal", "ter:ProfileExists"]),
        (
            "<trt:DeleteProfile><trt:ProfileToken>dome-profile</trt:ProfileToken></trt:DeleteProfile>",
            ["s:Sender", "ter:Action", "ter:DeletionOfFixedProfile"],
        ),
        (
            "<tr2:DeleteProfile><tr2:Token>none</tr2:Token></tr2:DeleteProfile>",
            ["s:Sender", "ter:InvalidArgVal", "ter:NoProfile"],
        ),
        (
            change("Remove", "dome-profile", "Receiver").replace("RemoveConf", "AddConf"),
            ["s:Sender", "ter:InvalidArgVal", "ter:NoConfig"],
        ),
    ],
)
async def test_what_cannot_be_is_told(client: SoapClient, body: str, subcodes: list[str]) -> None:
    assert (await client.call(body)).subcodes == subcodes


async def test_there_is_room_for_so_many_profiles_and_no_more(client: SoapClient) -> None:
    for number in range(MAXIMUM_CREATED):
        assert (await client.call(create("x", f"p{number}"))).status == 200
    response = await client.call(create("x", "one-more"))
    assert response.subcodes == ["s:Receiver", "ter:Action", "ter:MaxNVTProfiles"]
    capabilities = (await client.call("<tr2:GetServiceCapabilities/>")).content.find(".//{*}ProfileCapabilities")
    assert int(capabilities.get("MaximumNumberOfProfiles")) == len((await client.call(ALL)).content)


async def test_profiles_names_and_settings_survive_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    answers = []
    for start in range(2):
        running = Running(memory=FileMemory(tmp_path))
        await running.start()
        client = SoapClient(running, session)
        if start == 0:
            await client.call(create("Mine", "mine"))
            await client.call(change("Add", "mine", "VideoSource", "Metadata"))
            await client.call(change("Remove", "dome-profile", "AudioOutput", "AudioDecoder"))
            await client.call(
                '<tr2:SetAudioDecoderConfiguration><tr2:Configuration token="dome-audio-decoder-config">'
                "<tt:Name>Horn</tt:Name><tt:UseCount>0</tt:UseCount></tr2:Configuration>"
                "</tr2:SetAudioDecoderConfiguration>"
            )
            started = await client.call(
                "<tr2:StartMulticastStreaming><tr2:ProfileToken>mine</tr2:ProfileToken></tr2:StartMulticastStreaming>"
            )
            assert started.status == 200
        documents = [await client.call(ALL), await client.call("<tr2:GetAudioDecoderConfigurations/>")]
        answers.append([etree.tostring(document.content) for document in documents])
        assert b"Horn" in answers[-1][1]
        assert {kind.value for kind in running.host.sender.sending} == {"metadata"}
        await running.device.stop()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"created": 3}', '{"created": [{}], "removed": {}, "names": {}}'])
async def test_a_damaged_memory_is_logged_and_ignored(text: str, caplog: pytest.LogCaptureFixture) -> None:
    memory = VolatileMemory()
    for key in ("profiles", "media", "metadata"):
        await memory.write(key, text)
    with caplog.at_level(logging.WARNING):
        running = Running(memory=memory)
    assert [profile.token for profile in running.device.profiles.all()] == ["yard-profile", "dome-profile"]
    assert text == "" or "cannot be used" in caplog.text


async def test_a_memory_that_cannot_be_written_changes_nothing(client: SoapClient, tmp_path: Path) -> None:
    class Broken(VolatileMemory):
        async def write(self, key: str, text: str) -> None:
            raise OSError("no space left")

    profiles = Profiles(client.running.host, Broken())
    before = profiles.all()
    with pytest.raises(Fault):
        await profiles.create("x")
    assert profiles.all() == before


async def test_every_change_of_a_profile_is_an_event(client: SoapClient) -> None:
    subscription = (await client.call("<tev:CreatePullPointSubscription/>")).texts("Address")[0]
    await client.call(create("Mine", "mine"))
    await client.call(change("Add", "mine", "VideoSource"))
    await client.call(change("Remove", "mine", "VideoSource"))
    await client.call("<tr2:DeleteProfile><tr2:Token>mine</tr2:Token></tr2:DeleteProfile>")
    pull = (
        "<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit></tev:PullMessages>"
    )
    messages = (await client.call(pull, subscription)).content.findall(".//{*}NotificationMessage")
    changed = [one for one in messages if one.findtext("{*}Topic") == "tns1:Media/ProfileChanged"]
    assert [one.find(".//{*}SimpleItem").get("Value") for one in changed] == ["mine"] * 4


KINDS = st.sampled_from(list(Part))
TOKENS = st.sampled_from(["yard-profile", "dome-profile", "a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("create"), TOKENS),
    st.tuples(st.just("delete"), TOKENS),
    st.tuples(st.just("add"), TOKENS, KINDS, st.sampled_from(["yard", "dome"])),
    st.tuples(st.just("remove"), TOKENS, KINDS),
)


def expected(model: dict[str, dict[Part, str]], host: Host, step: tuple[str, ...]) -> bool:
    """Whether a step is right; if it is, the model follows."""
    verb, token, *rest = step
    if verb == "create":
        return token not in model and model.setdefault(token, {}) is not None
    if token not in model or (verb == "delete" and token.endswith("-profile")):
        return False
    if verb == "delete":
        del model[token]
        return True
    if verb == "remove":
        model[token].pop(Part(rest[0]), None)
        return True
    part, channel = Part(rest[0]), rest[1]
    others = {one for kind, one in model[token].items() if kind is not part}
    own = {token.removesuffix("-profile")} if token.endswith("-profile") else others
    if channel not in {one.token for one in holders(host, part)} or own - {channel}:
        return False
    model[token][part] = channel
    return True


async def apply(profiles: Profiles, step: tuple[str, ...]) -> bool:
    verb, token, *rest = step
    try:
        if verb == "create":
            await profiles.create("name", token)
        elif verb == "delete":
            await profiles.delete(token)
        elif verb == "remove":
            await profiles.remove(token, [Part(rest[0])])
        else:
            await profiles.add(token, [(Part(rest[0]), token_of(Part(rest[0]), rest[1]))])
    except Fault:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_any_sequence_of_changes_ends_as_the_model_says_even_after_a_restart(steps: list[tuple[str, ...]]) -> None:
    host, memory = Host(), VolatileMemory()
    profiles = Profiles(host, memory)
    model = {
        f"{channel.token}-profile": dict.fromkeys(parts_of(host, channel), channel.token) for channel in host.channels
    }

    async def run() -> None:
        for step in steps:
            assert await apply(profiles, step) == expected(model, host, step), step

    asyncio.run(run())
    for read in (profiles, Profiles(host, memory)):
        found = read.all()
        assert len({profile.token for profile in found}) == len(found)
        assert {one.token: dict.fromkeys(one.parts, one.channel) for one in found} == model


@pytest.mark.parametrize("part", Part)
async def test_the_use_count_is_the_number_of_profiles_that_hold_it(client: SoapClient, part: Part) -> None:
    host, profiles = client.running.host, client.running.device.profiles
    channel = holders(host, part)[0].token
    await profiles.create("x", "mine", [(part, None)])
    assert profiles.use_count(part, channel) == 2
    assert (await client.call(ALL)).status == (await client.call("<trt:GetProfiles/>")).status == 200
