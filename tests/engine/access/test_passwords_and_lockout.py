"""Rules of passwords, and the illegal login lock."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from engine.access.errors import LockedOut, WeakPassword
from engine.access.lockout import Lockout, LockoutSettings
from engine.access.passwords import PasswordHashes, require_strong
from engine.core.addresses import network_of
from engine.core.clock import VirtualClock

HERE = "192.0.2.7"


@pytest.mark.ledger("SITE-4")
@pytest.mark.parametrize(
    ("password", "lacks"),
    [
        ("Ab1!xyz", "at least 8 characters"),
        ("abcd123!", "upper case"),
        ("ABCD123!", "lower case"),
        ("Abcdefg!", "a number"),
        ("Abcd1234", "a special character"),
        ("Abcd123!\n", "no control characters"),
        ("Ada-2024-x", "the user's name"),
        ("Aa1!" * 40, "at most 128"),
    ],
)
def test_weak_passwords_are_refused_with_what_they_lack(password: str, lacks: str) -> None:
    with pytest.raises(WeakPassword, match=lacks):
        require_strong("ada", password)


def test_all_that_lacks_is_told_at_once() -> None:
    with pytest.raises(WeakPassword) as refused:
        require_strong("ada", "x")
    assert str(refused.value).count(",") == 3


@pytest.mark.parametrize("password", ["Correct-h0rse", "Grün 2024 ü!", "A1b2c3d4 "])
def test_strong_passwords_pass(password: str) -> None:
    require_strong("ada", password)


async def test_hashes_belong_to_their_passwords_only() -> None:
    hashes = PasswordHashes(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    made = await hashes.hash("Gr\u00fcn-1234")
    assert "Gr" not in made
    assert await hashes.matches("Gru\u0308n-1234", made), "typed as two code points"
    assert not await hashes.matches("grün-1234", made)
    assert not await hashes.matches("Grün-1234", None)
    assert not await hashes.matches("Grün-1234", "no hash at all")


def wrong_tries_until_locked(lockout: Lockout, *, administrator: bool, address: str = HERE) -> int:
    for tried in range(100):
        try:
            lockout.count("ada", address, administrator=administrator)
        except LockedOut:
            return tried
    raise AssertionError("never locked")


@pytest.mark.ledger("SYS-2")
@pytest.mark.parametrize(("administrator", "tries"), [(True, 7), (False, 5)])
async def test_the_lock_after_wrong_tries_and_its_end(administrator: bool, tries: int) -> None:
    clock = VirtualClock()
    lockout = Lockout(clock, LockoutSettings())
    assert wrong_tries_until_locked(lockout, administrator=administrator) == tries
    lockout.count("bob", HERE, administrator=administrator)
    lockout.count("ada", "192.0.2.8", administrator=administrator)

    await clock.advance(1790)
    with pytest.raises(LockedOut) as locked:
        lockout.count("ADA", HERE, administrator=administrator)
    assert 9 < locked.value.retry_after_s <= 10, "tries while locked do not prolong it"
    await clock.advance(11)
    assert wrong_tries_until_locked(lockout, administrator=administrator) == tries


@pytest.mark.ledger("SYS-2")
def test_limits_are_configurable_and_the_lock_can_be_off() -> None:
    lockout = Lockout(VirtualClock(), LockoutSettings(administrator_tries=2, duration_s=60))
    assert wrong_tries_until_locked(lockout, administrator=True) == 2
    off = Lockout(VirtualClock(), LockoutSettings(enabled=False))
    assert not any(off.count("ada", HERE, administrator=True) for _ in range(50))


def test_the_right_password_clears_the_count() -> None:
    lockout = Lockout(VirtualClock(), LockoutSettings())
    for _ in range(6):
        assert not lockout.count("ada", HERE, administrator=True)
    lockout.succeeded("ada", HERE)
    assert wrong_tries_until_locked(lockout, administrator=True) == 7
    lockout.forget_user("Ada")
    assert wrong_tries_until_locked(lockout, administrator=True) == 7


@given(st.lists(st.one_of(st.just("wrong"), st.just("right"), st.floats(0, 4000)), max_size=60))
async def test_never_more_than_the_allowed_wrong_tries_within_the_duration(story: list[str | float]) -> None:
    clock, settings = VirtualClock(), LockoutSettings(other_tries=5, duration_s=1800)
    lockout = Lockout(clock, settings)
    wrong: list[float] = []
    for step in story:
        if isinstance(step, float):
            await clock.advance(step)
            continue
        try:
            lockout.count("bob", HERE, administrator=False)
        except LockedOut:
            assert len(wrong) >= 5
            assert clock.now() < wrong[-1] + 1800
            continue
        if step == "right":
            lockout.succeeded("bob", HERE)
            wrong.clear()
        else:
            wrong.append(clock.now())
            assert len([at for at in wrong if at > clock.now() - 1800]) <= 5


async def test_one_address_cannot_try_fast_with_many_names() -> None:
    clock = VirtualClock()
    lockout = Lockout(clock, LockoutSettings(tries_a_minute=30))
    for _ in range(30):
        lockout.pace("2001:db8::1")
    with pytest.raises(LockedOut) as slow:
        lockout.pace("2001:db8::2")
    assert slow.value.retry_after_s == pytest.approx(2.0)
    lockout.pace("2001:db8:0:1::1")
    await clock.advance(2.1)
    lockout.pace("2001:db8::3")
    with pytest.raises(LockedOut):
        lockout.pace("2001:db8::3")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_whom_an_address_stands_for(address: str, network: str) -> None:
    assert network_of(address) == network
    assert network_of(network) == network
