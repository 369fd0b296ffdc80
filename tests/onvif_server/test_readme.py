"""The device of the library's README runs, and is a device."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from onvif import ONVIFCamera

import onvif_server

pytestmark = pytest.mark.ledger("ONVIF-1")

README = Path(onvif_server.__file__).with_name("README.md")


def code() -> str:
    [block] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(block)


def test_it_is_short() -> None:
    assert len(code().splitlines()) <= 60


@pytest.mark.timeout(400)
def test_it_passes_a_strict_type_checker(tmp_path: Path) -> None:
    device = tmp_path / "porch.py"
    device.write_text(code())
    root = README.parents[1]
    options = ("--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "mypy", *options, "--config-file", str(root / "pyproject.toml"), str(device)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


async def test_it_is_a_device(free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "porch.jpg").write_bytes(b"a picture")
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(code(), README.name, "exec"), names)
    task = asyncio.create_task(names["serve"]("a password", "127.0.0.1", free_port))
    client = ONVIFCamera("127.0.0.1", free_port, "admin", "a password")
    try:
        await answers(free_port, task)
        await client.update_xaddrs()
        information = await (await client.create_devicemgmt_service()).GetDeviceInformation()
        assert information.Model == "Porch"
        media = await client.create_media_service()
        [profile] = await media.GetProfiles()
        assert profile.Name == "Porch"
        assert await client.get_snapshot(profile.token) == b"a picture"
    finally:
        await client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def answers(port: int, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(10):
        while True:
            assert not task.done(), task
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
