"""Who may: digest and UsernameToken over real HTTP, levels, replays, expiry."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onvif_host import ACCOUNTS, JPEG, HandClock, Running
from onvif_soap_client import DEVICE_PATH, SoapClient, checked, envelope, username_token

from onvif_server.backend import Level, StaticUsers
from onvif_server.security.access import Access, allowed
from onvif_server.security.digest import DigestScheme
from onvif_server.security.outcome import Verdict
from onvif_server.soap.values import xml_time

pytestmark = pytest.mark.ledger("NET-1")

PROFILES = "<trt:GetProfiles/>"
NOW = 1_700_000_000.0
SNAPSHOT_PATH = "/onvif/snapshot/yard.jpg"

_FIELDS = st.sampled_from(["username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce", "algorithm"])
_FIELD_TEXTS = st.sampled_from(["admin", "ONVIF", DEVICE_PATH, "auth", "MD5", "http://[", "\udcff", "a-b-c"]) | st.text(
    st.characters(), max_size=8
)


@pytest.fixture
async def timed(sockets: None) -> AsyncIterator[Running]:
    device = Running(now=HandClock(NOW))
    await device.start()
    yield device
    await device.device.stop()


@pytest.fixture
def timed_client(timed: Running, session: aiohttp.ClientSession) -> SoapClient:
    return SoapClient(timed, session)


def challenge_of(headers: dict[str, str]) -> dict[str, str]:
    scheme, _, rest = headers["WWW-Authenticate"].partition(" ")
    assert scheme == "Digest"
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,]+)', rest)}


def authorization(
    challenge: dict[str, str],
    *,
    username: str = "admin",
    password: str = "secret-a",
    uri: str = DEVICE_PATH,
    method: str = "POST",
    nc: str = "00000001",
    cnonce: str = "abc",
    qop: str = "auth",
) -> str:
    algorithm = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[challenge["algorithm"]]

    def digest(*parts: str) -> str:
        return algorithm(":".join(parts).encode()).hexdigest()

    secret, request = digest(username, challenge["realm"], password), digest(method, uri)
    response = digest(secret, challenge["nonce"], nc, cnonce, qop, request)
    return (
        f'Digest username="{username}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", uri="{uri}", '
        f'algorithm={challenge["algorithm"]}, qop={qop}, nc={nc}, cnonce="{cnonce}", response="{response}"'
    )


async def challenged(client: SoapClient) -> dict[str, str]:
    """A fresh challenge, got by asking without credentials."""
    response = await client.send(envelope(PROFILES).encode())
    assert response.status == 401
    assert response.subcodes == ["s:Sender", "ter:NotAuthorized"]
    return challenge_of(response.headers)


async def by_digest(client: SoapClient, header: str, body: str = PROFILES) -> tuple[int, dict[str, str]]:
    response = await client.send(envelope(body).encode(), headers={"Authorization": header})
    return response.status, response.headers


class TestDigest:
    async def test_the_right_password_is_accepted(self, client: SoapClient) -> None:
        challenge = await challenged(client)
        assert challenge["algorithm"] == "MD5"
        assert challenge["qop"] == "auth"
        assert (await by_digest(client, authorization(challenge)))[0] == 200

    async def test_a_client_that_first_sends_no_body_is_challenged(self, client: SoapClient) -> None:
        response = await client.send(b"")
        assert response.status == 401
        assert (await by_digest(client, authorization(challenge_of(response.headers))))[0] == 200

    async def test_a_nonce_serves_many_requests_with_rising_counts(self, client: SoapClient) -> None:
        challenge = await challenged(client)
        for count in range(1, 4):
            assert (await by_digest(client, authorization(challenge, nc=f"{count:08x}")))[0] == 200

    async def test_a_wrong_password_is_refused_and_counted(self, client: SoapClient) -> None:
        status, headers = await by_digest(client, authorization(await challenged(client), password="wrong"))
        assert status == 401
        assert "stale" not in challenge_of(headers)
        assert client.running.users.failures == 1

    async def test_an_unknown_user_is_refused_and_counted(self, client: SoapClient) -> None:
        assert (await by_digest(client, authorization(await challenged(client), username="nobody")))[0] == 401
        assert client.running.users.failures == 1

    async def test_no_credentials_are_no_failed_login(self, client: SoapClient) -> None:
        await challenged(client)
        assert client.running.users.failures == 0

    async def test_a_replay_is_refused_as_stale_and_not_counted(self, client: SoapClient) -> None:
        header = authorization(await challenged(client))
        assert (await by_digest(client, header))[0] == 200
        status, headers = await by_digest(client, header)
        assert status == 401
        assert challenge_of(headers)["stale"] == "true"
        assert client.running.users.failures == 0

    async def test_a_nonce_expires(self, timed_client: SoapClient, timed: Running) -> None:
        challenge = await challenged(timed_client)
        timed.settings.now.at += 301
        status, headers = await by_digest(timed_client, authorization(challenge))
        assert status == 401
        fresh = challenge_of(headers)
        assert fresh["stale"] == "true"
        assert (await by_digest(timed_client, authorization(fresh)))[0] == 200

    async def test_a_nonce_of_the_clients_own_making_is_refused(self, client: SoapClient) -> None:
        challenge = await challenged(client)
        for nonce in ("made-up", "", "zz-00-11", challenge["nonce"][:-1] + "g"):
            assert (await by_digest(client, authorization(challenge | {"nonce": nonce})))[0] == 401

    @pytest.mark.parametrize("change", [{"uri": "/onvif/other"}, {"qop": "auth-int"}, {"method": "GET"}])
    async def test_an_answer_for_another_request_is_refused(self, client: SoapClient, change: dict[str, str]) -> None:
        assert (await by_digest(client, authorization(await challenged(client), **change)))[0] == 401

    @pytest.mark.parametrize(
        "header", ["Digest", "Digest username=", 'Digest username="admin"', "Digest " + "a" * 5000]
    )
    async def test_an_incomplete_answer_is_refused(self, client: SoapClient, header: str) -> None:
        assert (await by_digest(client, header))[0] == 401

    @given(fields=st.dictionaries(_FIELDS, _FIELD_TEXTS), rest=st.text(max_size=20))
    def test_any_header_is_judged(self, fields: dict[str, str], rest: str) -> None:
        scheme = DigestScheme(StaticUsers(ACCOUNTS), "ONVIF", HandClock(NOW))
        header = "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + rest
        assert scheme.check(header, "POST", DEVICE_PATH).verdict in (Verdict.MALFORMED, Verdict.WRONG)

    @pytest.mark.parametrize("uri", ["http://[", "http://host" + DEVICE_PATH, "//host"])
    async def test_an_absolute_address_is_signed_by_some_clients(self, client: SoapClient, uri: str) -> None:
        status, _ = await by_digest(client, authorization(await challenged(client), uri=uri))
        assert status == (200 if uri.endswith(DEVICE_PATH) else 401)

    async def test_sha_256_can_be_offered_too(self, sockets: None, session: aiohttp.ClientSession) -> None:
        running = Running(digest_algorithms=("SHA-256", "MD5"))
        await running.start()
        try:
            client = SoapClient(running, session)
            challenge = await challenged(client)
            assert challenge["algorithm"] == "SHA-256"
            assert (await by_digest(client, authorization(challenge)))[0] == 200
        finally:
            await running.device.stop()

    async def test_aiohttps_own_client_gets_through(self, running: Running) -> None:
        middleware = aiohttp.DigestAuthMiddleware("viewer", "secret-v")
        async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
            for _ in range(3):
                async with session.get(f"{running.url}{SNAPSHOT_PATH}") as reply:
                    assert reply.status == 200
                    assert await reply.read() == JPEG


class TestUsernameToken:
    async def test_the_right_password_is_accepted(self, client: SoapClient) -> None:
        assert (await client.call(PROFILES)).status == 200

    @pytest.mark.parametrize(("username", "password"), [("admin", "wrong"), ("nobody", "secret-a")])
    async def test_wrong_ones_are_refused_counted_and_challenged(
        self, client: SoapClient, username: str, password: str
    ) -> None:
        client.username = None
        token = username_token(username, password, xml_time(client.running.settings.now()))
        response = await client.call(PROFILES, header=token)
        assert response.status == 401
        assert response.subcodes == ["s:Sender", "ter:NotAuthorized"]
        assert challenge_of(response.headers)
        assert client.running.users.failures == 1

    async def test_a_replay_is_refused(self, client: SoapClient) -> None:
        client.username = None
        token = username_token("admin", "secret-a", xml_time(client.running.settings.now()))
        assert (await client.call(PROFILES, header=token)).status == 200
        assert (await client.call(PROFILES, header=token)).status == 401
        assert client.running.users.failures == 0

    async def test_a_nonce_may_come_again_at_another_time(self, timed_client: SoapClient, timed: Running) -> None:
        timed_client.username = None
        for _ in range(2):
            token = username_token("admin", "secret-a", xml_time(timed.settings.now()), nonce=b"the same")
            assert (await timed_client.call(PROFILES, header=token)).status == 200
            timed.settings.now.at += 1

    @pytest.mark.parametrize("offset_s", [-301, 301])
    async def test_a_token_from_another_time_is_refused_but_the_time_is_told(
        self, timed_client: SoapClient, offset_s: float
    ) -> None:
        timed_client.username = None
        token = username_token("admin", "secret-a", xml_time(NOW + offset_s))
        assert (await timed_client.call(PROFILES, header=token)).status == 401
        assert (await timed_client.call("<tds:GetSystemDateAndTime/>", header=token)).status == 200
        assert timed_client.running.users.failures == 0

    @pytest.mark.parametrize("missing", ["Nonce", "Created", "Password", "Username"])
    async def test_a_token_without_one_of_its_parts_is_refused(self, client: SoapClient, missing: str) -> None:
        client.username = None
        token = username_token("admin", "secret-a", xml_time(client.running.settings.now()))
        token = re.sub(rf"<(wsse|wsu):{missing}[ >].*?</\1:{missing}>", "", token)
        assert (await client.call(PROFILES, header=token)).status == 401

    async def test_a_password_in_plain_text_is_refused(self, client: SoapClient) -> None:
        client.username = None
        token = username_token("admin", "secret-a", xml_time(client.running.settings.now()))
        token = re.sub(r'Type="[^"]*">[^<]*', 'Type="#PasswordText">secret-a', token)
        assert (await client.call(PROFILES, header=token)).status == 401

    async def test_the_time_may_have_no_zone_or_another(self, timed_client: SoapClient) -> None:
        timed_client.username = None
        for created in ("2023-11-14T22:13:20", "2023-11-14T23:13:20.123456789+01:00"):
            assert (
                await timed_client.call(PROFILES, header=username_token("admin", "secret-a", created))
            ).status == 200

    async def test_a_user_is_not_fooled_by_a_long_name(self, client: SoapClient) -> None:
        client.username = None
        token = username_token("a" * 10_000, "x", xml_time(client.running.settings.now()))
        assert (await client.call(PROFILES, header=token)).status == 401


async def test_credentials_of_both_schemes_must_both_be_right(client: SoapClient) -> None:
    challenge = await challenged(client)
    wrong, right = authorization(challenge, password="wrong"), authorization(challenge, nc="00000002")
    for header, status in ((wrong, 401), (right, 200)):
        document = envelope(PROFILES, client.token()).encode()
        assert (await client.send(document, headers={"Authorization": header})).status == status


@pytest.mark.parametrize(
    ("username", "may"),
    [
        ("admin", {"profiles", "stop", "users"}),
        ("operator", {"profiles", "stop"}),
        ("viewer", {"profiles"}),
        (None, set()),
    ],
)
async def test_levels(client: SoapClient, username: str | None, may: set[str]) -> None:
    client.username = username
    bodies = {
        "profiles": PROFILES,
        "stop": "<tptz:Stop><tptz:ProfileToken>dome-profile</tptz:ProfileToken></tptz:Stop>",
        "users": "<tds:GetUsers/>",
    }
    for name, body in bodies.items():
        response = await client.call(body)
        # Who is known but may not is not asked for a password again.
        assert response.status == (200 if name in may else 401 if username is None else 400)
        assert ("WWW-Authenticate" in response.headers) == (response.status == 401)


def test_only_open_operations_are_for_anybody_and_only_the_administrator_may_all() -> None:
    assert [access for access in Access if allowed(Level.ANONYMOUS, access)] == [Access.PRE_AUTH]
    assert all(allowed(Level.ADMINISTRATOR, access) for access in Access)
    assert not allowed(Level.OPERATOR, Access.UNRECOVERABLE)
    assert not allowed(Level.USER, Access.ACTUATE)


class TestSnapshot:
    async def get(self, client: SoapClient, path: str, header: str | None = None) -> aiohttp.ClientResponse:
        headers = {"Authorization": header} if header else {}
        async with client.session.get(f"{client.running.url}{path}", headers=headers) as reply:
            await reply.read()
            return reply

    async def authorized(self, client: SoapClient, path: str) -> aiohttp.ClientResponse:
        refused = await self.get(client, path)
        assert refused.status == 401
        challenge = challenge_of(dict(refused.headers))
        return await self.get(client, path, authorization(challenge, uri=path, method="GET"))

    async def test_it_is_a_jpeg_for_a_user(self, client: SoapClient) -> None:
        reply = await self.authorized(client, SNAPSHOT_PATH)
        assert reply.status == 200
        assert reply.content_type == "image/jpeg"

    async def test_there_is_none_of_a_channel_that_is_not_there(self, client: SoapClient) -> None:
        assert (await self.authorized(client, "/onvif/snapshot/cellar.jpg")).status == 404

    async def test_a_camera_that_is_offline_gives_none_now(self, client: SoapClient) -> None:
        client.running.host.picture = None
        assert (await self.authorized(client, SNAPSHOT_PATH)).status == 503

    async def test_a_soap_answer_is_of_no_use_here(self, client: SoapClient) -> None:
        header = "Basic " + base64.b64encode(b"admin:secret-a").decode()
        assert (await self.get(client, SNAPSHOT_PATH, header)).status == 401


async def test_refusals_are_valid_faults(client: SoapClient) -> None:
    async with client.session.post(
        f"{client.running.url}{DEVICE_PATH}", data=envelope(PROFILES), headers={"Content-Type": "text/xml"}
    ) as reply:
        checked(await reply.read())


async def test_nobody_learns_which_versions_answer(running: Running, session: aiohttp.ClientSession) -> None:
    async with session.get(running.url + DEVICE_PATH) as answer:
        assert answer.headers["Server"] == "onvif_server"
