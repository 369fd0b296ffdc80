"""Who gets into the relay: digest by MD5 and SHA-256, failures told, lock-out, the limit on connections."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media import LoginFailed, MediaProcess, MediaSettings, RelayUser
from engine.media.digest import NONCE_S, RtspDigest, Verdict
from tests.engine.media.conftest import PATIENCE_S, StartCamera, event_of, next_of, running, source

pytestmark = pytest.mark.ledger("SYS-2", "NET-1")

USER = RelayUser(name="nvr", password="nvr secret")
USERS = {"nvr": "nvr secret"}
TARGET = "rtsp://192.0.2.1/gate"
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def answer(
    challenge: str,
    *,
    name: str = "nvr",
    password: str = "nvr secret",
    method: str = "DESCRIBE",
    uri: str = TARGET,
    counted: bool = False,
    tell_algorithm: bool = True,
) -> str:
    """The Authorization header of a client, computed independently of the code under test."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    algorithm = fields["algorithm"] if tell_algorithm else "MD5"

    def digest(text: str) -> str:
        return HASHES[algorithm](text.encode()).hexdigest()

    secret, request = digest(f"{name}:{fields['realm']}:{password}"), digest(f"{method}:{uri}")
    middle = f"{fields['nonce']}:00000001:c0ffee:auth" if counted else fields["nonce"]
    header = (
        f'Digest username="{name}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
        f'response="{digest(f"{secret}:{middle}:{request}")}"'
    )
    header += ', qop=auth, nc=00000001, cnonce="c0ffee"' if counted else ""
    return header + (f", algorithm={algorithm}" if tell_algorithm else "")


@pytest.mark.parametrize("counted", [True, False])
def test_either_algorithm_opens_with_and_without_counted_requests(counted: bool) -> None:
    digest = RtspDigest("Smart PTZ")
    challenges = digest.challenges()
    assert [re.findall(r"algorithm=([\w-]+)", challenge) for challenge in challenges] == [["SHA-256"], ["MD5"]]
    for challenge in challenges:
        judged = digest.judge(answer(challenge, counted=counted), "DESCRIBE", TARGET, USERS)
        assert (judged.verdict, judged.username) == (Verdict.RIGHT, "nvr")


def test_a_client_that_knows_md5_only_may_answer_any_challenge() -> None:
    # Old clients take the first header or the last one, and never look at the algorithm.
    digest = RtspDigest("Smart PTZ")
    for challenge in digest.challenges():
        header = answer(challenge, tell_algorithm=False)
        assert digest.judge(header, "DESCRIBE", TARGET, USERS).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    "wrong",
    [{"password": "other"}, {"name": "stranger"}, {"method": "PLAY"}, {"uri": "rtsp://192.0.2.1/yard"}],
)
def test_what_is_not_signed_rightly_is_wrong(wrong: dict[str, str]) -> None:
    digest = RtspDigest("Smart PTZ")
    header = answer(digest.challenges()[0], **wrong)  # type: ignore[arg-type]
    assert digest.judge(header, "DESCRIBE", TARGET, USERS).verdict is Verdict.WRONG


def test_an_old_challenge_is_stale_except_where_it_was_answered_in_time() -> None:
    now = 1000.0
    digest = RtspDigest("Smart PTZ", lambda: now)
    header = answer(digest.challenges()[1])
    first = digest.judge(header, "DESCRIBE", TARGET, USERS)
    now += NONCE_S + 1
    assert digest.judge(header, "DESCRIBE", TARGET, USERS).verdict is Verdict.STALE
    assert digest.judge(header, "DESCRIBE", TARGET, USERS, first.nonce).verdict is Verdict.RIGHT
    assert "stale=true" in digest.challenges(stale=True)[0]
    # A challenge of somebody else's is stale, too: another process answered before a restart, and nobody failed.
    assert RtspDigest("Smart PTZ").judge(header, "DESCRIBE", TARGET, USERS).verdict is Verdict.STALE


@given(st.one_of(st.text(), st.text().map(lambda text: f"Digest {text}"), st.text().map('Digest username="{}"'.format)))
def test_no_header_breaks_it(header: str) -> None:
    assert RtspDigest("Smart PTZ").judge(header, "DESCRIBE", TARGET, USERS).verdict is not Verdict.RIGHT


class Client:
    """RTSP by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.count = 0

    async def describe(self, url: str, authorization: str | None = None) -> tuple[int, list[str]]:
        """The status of the answer, and its challenges."""
        self.count += 1
        extra = f"Authorization: {authorization}\r\n" if authorization else ""
        self.writer.write(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: {self.count}\r\n{extra}\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"(?i)content-length: *(\d+)", head)
            await self.reader.readexactly(int(length[1]) if length else 0)
        return int(head.split()[1]), re.findall(r"(?i)www-authenticate: *(.+?)\r\n", head)


@asynccontextmanager
async def connected(media: MediaProcess) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", media.relay_port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def _watchable(media: MediaProcess, start_camera: StartCamera) -> str:
    await media.set_relay_users([USER])
    await media.add_stream(source(await start_camera()))
    await next_of(media.frames("gate"))
    return media.relay_url("gate")


@pytest.mark.parametrize("which", [0, 1], ids=["SHA-256", "MD5"])
async def test_the_relay_is_opened_by_each_algorithm(
    media: MediaProcess, start_camera: StartCamera, which: int
) -> None:
    url = await _watchable(media, start_camera)
    async with connected(media) as client:
        status, challenges = await client.describe(url)
        assert status == 401
        assert (await client.describe(url, answer(challenges[which], uri=url)))[0] == 200


async def test_failures_are_told_once_each_and_a_request_without_credentials_is_none(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    url = await _watchable(media, start_camera)
    with media.events.subscribe() as events:
        stream = aiter(events)
        async with connected(media) as client:
            _, challenges = await client.describe(url)
            await client.describe(url)
            for name, password in (("nvr", "guess"), ("stranger", "nvr secret")):
                status, _ = await client.describe(url, answer(challenges[0], name=name, password=password, uri=url))
                assert status == 401
                assert await event_of(stream, LoginFailed) == LoginFailed(name, "127.0.0.1")
            assert (await client.describe(url, answer(challenges[0], uri=url)))[0] == 200


async def test_who_is_locked_out_is_refused_with_the_right_password_until_the_lock_ends(
    media: MediaProcess, start_camera: StartCamera
) -> None:
    url = await _watchable(media, start_camera)

    async def status() -> int:
        async with connected(media) as client:
            _, challenges = await client.describe(url)
            return (await client.describe(url, answer(challenges[0], uri=url)))[0]

    await media.set_locked([("nvr", "192.0.2.9"), ("other", "127.0.0.1")])
    assert await status() == 200
    await media.set_locked([("nvr", "127.0.0.1")])
    while await status() != 401:
        pass
    await media.set_locked([("", "192.0.2.9")])
    while await status() != 200:
        pass
    await media.set_locked([("", "127.0.0.1")])  # everybody there
    while await status() != 401:
        pass
    await media.set_locked([])
    while await status() != 200:
        pass


async def test_connections_over_the_limit_are_refused_until_another_ends(start_camera: StartCamera) -> None:
    async with running(MediaSettings(max_clients=2)) as media:
        url = await _watchable(media, start_camera)

        async def log_in(client: Client) -> None:
            _, challenges = await client.describe(url)
            assert (await client.describe(url, answer(challenges[0], uri=url)))[0] == 200

        async with connected(media) as one:
            await log_in(one)
            async with connected(media) as two:
                await log_in(two)
                async with connected(media) as three:
                    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                        await three.describe(url)
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        async with connected(media) as four:
                            assert (await four.describe(url))[0] == 401
                            return
                    except (asyncio.IncompleteReadError, ConnectionError):
                        await asyncio.sleep(0.1)
