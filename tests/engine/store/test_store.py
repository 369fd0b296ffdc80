"""Tables, pictures, and what is left after a restart."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from engine.core.events import CameraOffline, CameraOnline, CaptureTaken, PtzOwnerChanged
from engine.core.geometry import Box, Direction, Pose
from engine.core.values import TargetType
from engine.ptz.presets import PresetRepository
from engine.store import BlobMissing, Store, StoreFailure, codec
from engine.store.accounts import DeviceUserRecord, TokenRecord, UserRecord
from engine.store.retention import Removed, RetentionLimits
from engine.store.tables import metadata

NOON = 1_700_000_000.0


def capture(number: int, at: float = NOON, channel: str = "dome", rule: str | None = "r1") -> CaptureTaken:
    return CaptureTaken(
        at=at,
        capture_id=f"c{number}",
        link_id="yard",
        channel=channel,
        track_id=f"t{number}",
        target_type=TargetType.PERSON,
        rule_id=rule,
        picture="",
        background="",
        box=Box(0.1, 0.2, 0.3, 0.4),
        grade=0.8,
        target_direction=Direction(10.0, -5.0),
    )


def user(name: str, role: str = "administrator") -> UserRecord:
    return UserRecord(username=name, password_hash="hash", role=role, created_at=NOON)


def token(number: int, username: str = "ada", expires_at: float | None = None) -> TokenRecord:
    return TokenRecord(
        token_id=f"id{number}",
        token_hash=f"hash{number}",
        username=username,
        name="laptop",
        created_at=NOON,
        expires_at=expires_at,
    )


async def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        instance = store.instance_id
        await store.events.add(CameraOffline(at=NOON, event_id="e1", channel="yard", reason="gone"))
        kept = await store.captures.add(capture(1), picture=b"jpeg", background=b"larger jpeg")
        await store.presets.save("dome", "p1", "Gate", Pose(1.0, 2.0, 30.0))
        assert await store.users.add(user("ada"), limit=5)
        assert await store.tokens.add(token(1), limit=5)
        await store.device_users.save(
            DeviceUserRecord(username="nvr", sealed_password="sealed", role="user", created_at=NOON)
        )
    async with Store(tmp_path) as store:
        assert store.instance_id == instance
        found = await store.events.search()
        assert [codec.decode(record.body) for record in found if record.kind == "camera_offline"] == [
            CameraOffline(at=NOON, event_id="e1", channel="yard", reason="gone")
        ]
        assert await store.captures.get("c1") == kept
        assert await store.blobs.get(kept.picture) == b"jpeg"
        assert await store.blobs.get(kept.background) == b"larger jpeg"
        assert [(p.preset_id, p.name, p.pose) for p in await store.presets.list("dome")] == [
            ("p1", "Gate", Pose(1.0, 2.0, 30.0))
        ]
        assert await store.users.get("ada") == user("ada")
        assert await store.tokens.find("hash1") == (token(1), "administrator")
        assert [u.username for u in await store.device_users.all()] == ["nvr"]


async def test_migrations_lead_to_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    async with Store(tmp_path):
        pass
    engine = create_engine(f"sqlite:///{tmp_path / 'smart-ptz.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == "0001"
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with Store(folder) as store:
        key = await store.blobs.put(b"x", at=NOON, suffix="jpg")
        await store.events.add(CameraOnline(at=NOON, channel="yard"))
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert key.startswith("20231114/")
    assert {mode for path, mode in modes.items() if path.is_dir() or path == folder} == {0o700}
    assert {mode for path, mode in modes.items() if path.suffix or "-wal" in path.name} == {0o600}


async def test_the_journal_is_a_write_ahead_log_and_keys_are_enforced(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        async with store._database.read("look") as connection:
            settings = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert settings == ["wal", 1, 1]
        with pytest.raises(StoreFailure, match="FOREIGN KEY"):
            await store.tokens.add(token(1, username="nobody"), limit=5)


async def test_events_are_searched_newest_first(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        for number in range(6):
            await store.events.add(
                CameraOnline(at=NOON + number, event_id=f"e{number}", channel="a" if number % 2 else "b")
            )
        await store.events.add(PtzOwnerChanged(at=NOON + 2.5, event_id="e9", channel="a", owner=None, purpose=None))

        async def ids(**wanted: object) -> list[str]:
            return [record.event_id for record in await store.events.search(**wanted)]  # type: ignore[arg-type]

        assert await ids() == ["e5", "e4", "e3", "e9", "e2", "e1", "e0"]
        assert await ids(limit=2) == ["e5", "e4"]
        assert await ids(since=NOON + 2, before=NOON + 4) == ["e3", "e9", "e2"]
        assert await ids(channel="a", kind="camera_online") == ["e5", "e3", "e1"]


async def test_an_event_told_twice_is_stored_once(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        event = CameraOnline(at=NOON, channel="yard")
        await store.events.add(event)
        await store.events.add(event)
        assert len(await store.events.search()) == 1


async def test_many_writers_and_readers_at_once(tmp_path: Path) -> None:
    async with Store(tmp_path) as store, asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(store.events.add(CameraOnline(at=NOON + number, channel="yard")))
            group.create_task(store.events.search())
    async with Store(tmp_path) as store:
        assert len(await store.events.search()) == 40


async def test_captures_are_found_by_what_is_asked(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        for number, (channel, rule) in enumerate([("dome", "r1"), ("dome", None), ("turret", "r1")]):
            await store.captures.add(capture(number, NOON + number, channel, rule), picture=b"p", background=b"b")

        async def ids(**wanted: object) -> list[str]:
            return [found.capture_id for found in await store.captures.search(**wanted)]  # type: ignore[arg-type]

        assert await ids() == ["c2", "c1", "c0"]
        assert await ids(channel="dome", rule_id="r1") == ["c0"]
        assert await ids(link_id="yard", target_type=TargetType.PERSON, since=NOON + 1) == ["c2", "c1"]
        assert await ids(target_type=TargetType.VEHICLE) == []
        assert await store.captures.get("c7") is None


async def test_a_capture_that_cannot_be_stored_leaves_no_files(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        await store.captures.add(capture(1), picture=b"p", background=b"b")
        with pytest.raises(StoreFailure, match="store a capture"):
            await store.captures.add(capture(1), picture=b"p", background=b"b")
        assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 2


async def test_presets_keep_their_order_and_place(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        presets: PresetRepository = store.presets
        for number in range(3):
            await presets.save("dome", f"p{number}", f"Place {number}", Pose(number, 0.0, 60.0))
        await presets.save("dome", "p0", "Gate", Pose(9.0, 0.0, 20.0))
        await presets.remove("dome", "p1")
        await presets.remove("dome", "p1")
        assert [(p.preset_id, p.name) for p in await presets.list("dome")] == [("p0", "Gate"), ("p2", "Place 2")]
        assert await presets.list("turret") == []


async def test_users_and_their_tokens(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        assert await store.users.add(user("ada"), limit=2)
        assert not await store.users.add(user("ada"), limit=2)
        assert await store.users.add(user("bob", "user"), limit=2)
        assert not await store.users.add(user("eve"), limit=2)
        assert not await store.users.remove("ada", role_to_keep="administrator")

        assert await store.tokens.add(token(1, expires_at=NOON - 1), limit=1)
        assert await store.tokens.add(token(2), limit=1), "the expired one no longer counts"
        assert not await store.tokens.add(token(3), limit=1)
        assert [t.token_id for t in await store.tokens.of_user("ada")] == ["id2"]
        assert not await store.tokens.remove("bob", "id2"), "somebody else's"
        assert await store.users.set_password("ada", "other hash")
        assert await store.tokens.find("hash2") is None, "a new password ends what the old one opened"
        assert not await store.users.set_password("nobody", "hash")


async def test_retention_by_age_and_size(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        kept = [
            await store.captures.add(capture(number, NOON + number), picture=b"p" * 60, background=b"b" * 40)
            for number in range(6)
        ]
        stray = await store.blobs.put(b"nobody's", at=NOON, suffix="jpg")
        limits = RetentionLimits(capture_age_s=100.0, capture_bytes=300, event_age_s=100.0)
        far = max(path.stat().st_mtime for path in (tmp_path / "blobs").rglob("*.jpg"))
        assert await store.retention.apply(limits, now=NOON + 101.5) == Removed(captures=3, events=2, orphans=0)
        assert [c.capture_id for c in await store.captures.search()] == ["c5", "c4", "c3"]
        with pytest.raises(BlobMissing):
            await store.blobs.get(kept[0].picture)
        assert await store.blobs.get(kept[3].picture) == b"p" * 60

        swept = await store.retention.apply(RetentionLimits(), now=far + 25 * 3600)
        assert swept == Removed(captures=0, events=0, orphans=1)
        with pytest.raises(BlobMissing):
            await store.blobs.get(stray)


async def test_half_written_pictures_are_cleared_away(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        key = await store.blobs.put(b"whole", at=NOON, suffix="jpg")
    half = tmp_path / "blobs" / f"{key}.unfinished"
    half.write_bytes(b"ha")
    async with Store(tmp_path) as store:
        assert not half.exists()
        assert await store.blobs.get(key) == b"whole"


@pytest.mark.parametrize("key", ["../smart-ptz.db", "/etc/passwd", "", "20231114/../../x.jpg", "20231114/ABC.jpg"])
async def test_a_key_never_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    async with Store(tmp_path) as store:
        with pytest.raises(ValueError, match="not a blob's key"):
            await store.blobs.get(key)


async def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "smart-ptz.db").write_bytes(b"this is certainly not a database" * 100)
    with pytest.raises(StoreFailure, match=r"could not open the database: .*not a database: restore a backup"):
        await Store(tmp_path).open()


async def test_a_damaged_database_is_named_as_such(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        for number in range(200):
            await store.events.add(CameraOnline(at=NOON + number, channel="yard" * 20))
    file = tmp_path / "smart-ptz.db"
    content = bytearray(file.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    file.write_bytes(content)
    store = Store(tmp_path)
    with pytest.raises(StoreFailure, match="damaged"):
        await store.open()
        await store.events.search(limit=1000)
    await store.close()


async def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    async with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "smart-ptz.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreFailure, match="newer version"):
        await Store(tmp_path).open()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StoreFailure, match="the store is closed"):
        await store.events.search()
