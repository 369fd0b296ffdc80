"""Rules of passwords, and the illegal login lock."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
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


_NAMES = st.sampled_from(["ada", "bob", "carol"]) | st.integers(0, 30).map("n{}".format)
_NETWORKS = st.sampled_from([HERE, "192.0.2.2", "2001:db8::/64"]) | st.integers(0, 30).map("10.0.0.{}".format)
_FLOOD = st.lists(st.tuples(_NAMES, _NETWORKS, st.booleans()), max_size=40)
_FLOODS = st.lists(st.tuples(_FLOOD, st.sampled_from([0.0, 0.0, 1.0, 100.0, 1799.0])), min_size=6, max_size=14)


@pytest.mark.ledger("SYS-2")
@settings(deadline=None, max_examples=60)  # a crowded machine is no mistake of the lock
@given(_FLOODS)
async def test_no_flood_makes_the_lock_forget_a_guesser(
    floods: list[tuple[list[tuple[str, str, bool]], float]],
) -> None:
    """Whatever others try in between, right or wrong: somebody has five wrong tries within the duration."""
    clock = VirtualClock()
    lockout = Lockout(clock, LockoutSettings(other_tries=5, network_tries=20, remembered=8))
    guesses: list[float] = []
    for flood, pause_s in floods:
        for name, network, right in flood:
            if (name, network) != ("ada", HERE):
                with contextlib.suppress(LockedOut):
                    lockout.count(name, network, administrator=False)
                    if right:
                        lockout.succeeded(name, network)
        with contextlib.suppress(LockedOut):
            lockout.count("ada", HERE, administrator=False)
            guesses.append(clock.now())
        assert sum(at > clock.now() - 1800 for at in guesses) <= 5
        await clock.advance(pause_s)


@pytest.mark.ledger("SYS-2")
def test_twenty_thousand_names_and_networks_do_not_open_a_lock() -> None:
    lockout = Lockout(VirtualClock(), LockoutSettings())
    assert wrong_tries_until_locked(lockout, administrator=False) == 5
    for number in range(4):
        lockout.count("bob", f"2001:db8:7::{number}", administrator=False)
    for number in range(25_000):
        with contextlib.suppress(LockedOut):
            lockout.count(f"name {number}", str(ipaddress.ip_address(0x0A000000 + number)), administrator=False)
    with pytest.raises(LockedOut):
        lockout.count("ada", HERE, administrator=False)
    assert lockout.count("bob", "2001:db8:7::5", administrator=False), "the fifth try, for nothing was forgotten"


@pytest.mark.ledger("SYS-2")
async def test_a_network_that_tries_name_after_name_is_locked_as_a_whole() -> None:
    clock = VirtualClock()
    lockout = Lockout(clock, LockoutSettings())
    closing = [lockout.count(f"name {number}", HERE, administrator=False) for number in range(100)]
    assert closing == [False] * 99 + [True]
    with pytest.raises(LockedOut) as locked:
        lockout.count("somebody else", HERE, administrator=True)
    assert locked.value.retry_after_s == lockout.network_locked_s(HERE) == 1800
    lockout.count("somebody else", "192.0.2.8", administrator=False)
    await clock.advance(1801)
    assert lockout.network_locked_s(HERE) == 0
    assert not lockout.count("somebody else", HERE, administrator=False)


@pytest.mark.ledger("SYS-2")
async def test_two_recorders_with_old_passwords_do_not_lock_their_network() -> None:
    """Each uses up its tries again and again, at other times: what was long ago does not add up."""
    clock = VirtualClock()
    lockout = Lockout(clock, LockoutSettings())
    for _ in range(50):
        for name in ("one", "other"):
            for _ in range(5):
                lockout.count(name, HERE, administrator=False)
            await clock.advance(901)
    assert not lockout.network_locked_s(HERE)


@pytest.mark.ledger("SYS-2")
def test_in_a_full_lock_those_who_come_late_are_counted_together_and_still_let_in() -> None:
    lockout = Lockout(VirtualClock(), LockoutSettings(remembered=3))
    for number in range(3):
        lockout.count("ada", f"10.0.0.{number}", administrator=False)
    for number in range(4):
        assert not lockout.count("ada", f"10.0.1.{number}", administrator=False)
    for _ in range(10):  # the right password costs nobody anything
        lockout.count("ada", HERE, administrator=False)
        lockout.succeeded("ada", HERE)
    assert lockout.count("ada", "10.0.1.9", administrator=False)
    with pytest.raises(LockedOut):
        lockout.count("ada", HERE, administrator=False)
    assert not lockout.count("ada", "10.0.0.1", administrator=False), "who was there before is counted alone"
    lockout.forget_user("ada")
    assert not lockout.count("ada", HERE, administrator=False)


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
