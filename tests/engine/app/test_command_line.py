"""Exit codes and messages of `smart-ptz`."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from engine.access import Access
from engine.access.errors import WrongCredentials
from engine.app.command_line import run_command
from engine.core.clock import SystemClock
from engine.store import Store
from tests.engine.app.app_sites import make_site

pytestmark = pytest.mark.ledger("SITE-1", "SITE-4")

OLD, NEW = "Quiet-Harbour-19", "Loud-Harbour-20"


def test_a_site_file_that_is_not_there_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["run", str(tmp_path / "nowhere.yaml")]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_check_of_a_site_that_nobody_answers_fails_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_site(tmp_path)
    assert run_command(["check", str(tmp_path / "site.yaml")]) == 1
    printed = capsys.readouterr().out
    assert "127.0.0.1:9" in printed
    assert "check that it has power and network" in printed
    assert "right horse" not in printed


def test_the_known_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["models"]) == 0
    assert "Apache-2.0" in capsys.readouterr().out


def test_an_unknown_model_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["models", "oracle"]) == 1
    assert "oracle" in capsys.readouterr().err


def test_a_forgotten_password_is_set_anew_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)

    async def activated() -> None:
        async with Store(site.data_dir) as store:
            access = Access(store, SystemClock())
            await access.open()
            await access.activate("keeper", OLD, "127.0.0.1")

    async def logs_in(password: str) -> bool:
        async with Store(site.data_dir) as store:
            access = Access(store, SystemClock())
            await access.open()
            try:
                await access.login("keeper", password, "127.0.0.1")
            except WrongCredentials:
                return False
            return True

    def reset(user: str, password: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return run_command(["reset-password", str(tmp_path / "site.yaml"), user])

    asyncio.run(activated())
    assert reset("nobody", NEW) == 1
    assert "nobody" in capsys.readouterr().err
    assert reset("keeper", "short") == 1
    assert asyncio.run(logs_in(OLD))
    assert reset("keeper", NEW) == 0
    assert asyncio.run(logs_in(NEW))
    assert not asyncio.run(logs_in(OLD))
    captured = capsys.readouterr()
    assert NEW not in captured.out + captured.err
