"""A full disk: the engine is told, nothing half written is left, and nothing stored before is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.events import CameraOnline, CaptureTaken
from engine.core.geometry import Box, Direction
from engine.core.values import TargetType
from engine.store import Store, StoreFailure, StoreFull
from engine.store.retention import RetentionLimits

NOON = 1_700_000_000.0


def capture(number: int) -> CaptureTaken:
    return CaptureTaken(
        at=NOON + number,
        capture_id=f"c{number}",
        link_id="yard",
        channel="dome",
        track_id="t",
        target_type=TargetType.PERSON,
        rule_id=None,
        picture="",
        background="",
        box=Box(0.1, 0.2, 0.3, 0.4),
        grade=0.8,
        target_direction=Direction(10.0, -5.0),
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def fill(store: Store) -> int:
    """Stores captures until there is no room; returns how many were stored."""
    stored = 0
    with pytest.raises(StoreFull, match=r"could not store a (picture|capture): .*free some space"):
        while stored < 1000:
            await store.captures.add(capture(stored), picture=b"p" * 40_000, background=b"b" * 30_000)
            stored += 1
    return stored


async def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    async with Store(small_disk) as store:
        stored = await fill(store)
        assert stored > 2
        files = [path for path in (small_disk / "blobs").rglob("*") if path.is_file()]
        assert len(files) == 2 * stored, "nothing half written is left"
        assert len(await store.captures.search(limit=1000)) == stored

        (small_disk / "ballast").touch()
        with (small_disk / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(b"\0" * 4096):
                    pass
            except OSError:
                pass
        with pytest.raises(StoreFailure):
            for number in range(2000):
                await store.events.add(CameraOnline(at=NOON + number, channel="yard" * 30))
        assert len(await store.captures.search(limit=1000)) == stored

        (small_disk / "ballast").unlink()
        await store.retention.apply(RetentionLimits(capture_bytes=200_000), now=NOON)
        await store.captures.add(capture(5000), picture=b"p", background=b"b")
    async with Store(small_disk) as store:
        found = await store.captures.search(limit=1000)
        assert found[0].capture_id == "c5000"
        for each in found:
            assert await store.blobs.get(each.background)


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from tests.engine.store.test_disk_full import limited
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
asyncio.run(limited(Path(sys.argv[1])))
"""


async def limited(folder: Path) -> None:
    async with Store(folder) as store:
        await store.captures.add(capture(1), picture=b"p" * 1000, background=b"b" * 1000)
        with pytest.raises(StoreFull, match="could not store a picture"):
            await store.captures.add(capture(2), picture=b"p" * 1000, background=b"b" * 300_000)
        with pytest.raises(StoreFailure, match="could not store an event"):
            for number in range(10_000):
                await store.events.add(CameraOnline(at=NOON + number, event_id=f"e{number}", channel="yard" * 30))
        assert [found.capture_id for found in await store.captures.search()] == ["c1"]


async def test_a_limit_of_the_system_is_told_and_loses_nothing(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIMITED, str(tmp_path), stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    async with Store(tmp_path) as store:
        kept = await store.captures.get("c1")
        assert kept is not None
        assert await store.blobs.get(kept.picture) == b"p" * 1000
        assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 2
        await store.events.add(CameraOnline(at=NOON, channel="yard"))
