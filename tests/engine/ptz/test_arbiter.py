"""Who may move the camera: one at a time, the most important first, and nobody for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_motors import SimulatedMotors

from engine.cameras.protocols import CameraUnreachable
from engine.core.bus import Bus
from engine.core.clock import VirtualClock
from engine.core.events import PtzOwnerChanged
from engine.core.geometry import Pose
from engine.core.zoom import ZoomCurve
from engine.ptz import Arbiter, ArbiterSettings, LeaseLost, LeaseRefused, Priority, PtzUnavailable

pytestmark = pytest.mark.ledger("PTZ-9")

CURVE = ZoomCurve(((0.0, 60.0), (1.0, 4.0)))


class Site:
    def __init__(self, **changes):
        self.clock = VirtualClock()
        self.bus = Bus()
        self.events = self.bus.subscribe(10000)
        self.motors = SimulatedMotors(self.clock)
        self.arbiter = Arbiter("ptz", CURVE, self.clock, self.bus, settings=ArbiterSettings(**changes))

    async def __aenter__(self):
        await self.arbiter.start(self.motors)
        return self

    async def __aexit__(self, *error):
        await self.arbiter.close()

    @property
    def owners(self):
        return [event.owner for event in self.events._queue if isinstance(event, PtzOwnerChanged)]


async def test_a_higher_priority_takes_the_camera_and_the_loser_hears_of_it():
    async with Site() as site:
        tracking = await site.arbiter.acquire("link", "track 7", Priority.TRACKING)
        await tracking.move_continuous(pan=0.5, tilt=0.0)
        operator = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        assert tracking.lost.is_set()
        with pytest.raises(LeaseLost, match="preempted"):
            await tracking.move_continuous(pan=0.1, tilt=0.0)
        assert site.arbiter.owner.owner == "anna"
        assert site.motors.order == ["continuous", "stop"]
        await operator.release()
        assert not operator.lost.is_set()
        assert site.owners == ["link", "anna", None]


async def test_the_same_priority_is_refused_and_told_who_has_it():
    async with Site() as site:
        await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        with pytest.raises(LeaseRefused, match=r"anna holds it \(joystick\)"):
            await site.arbiter.acquire("bert", "joystick", Priority.OPERATOR)
        with pytest.raises(LeaseRefused):
            await site.arbiter.acquire("link", "track 7", Priority.TRACKING)


async def test_the_same_owner_gets_its_own_lease_again():
    async with Site() as site:
        first = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        assert await site.arbiter.acquire("anna", "preset", Priority.OPERATOR) is first
        assert site.arbiter.owner.purpose == "preset"


async def test_those_who_wait_are_served_by_priority_and_then_by_arrival():
    async with Site() as site:
        held = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        served = []

        async def wait(name, priority):
            async with await site.arbiter.acquire(name, "x", priority, wait=True):
                served.append(name)

        tasks = []
        for name, priority in (("patrol", Priority.PATROL), ("rule 1", Priority.RULE), ("rule 2", Priority.RULE)):
            tasks.append(asyncio.create_task(wait(name, priority)))
            await asyncio.sleep(0)
        await held.release()
        await asyncio.gather(*tasks)
        assert served == ["rule 1", "rule 2", "patrol"]
        assert site.arbiter.owner is None


async def test_an_operator_who_does_nothing_gives_the_camera_back_and_it_stops():
    async with Site(control_time_out_s=10.0) as site:
        lease = await site.arbiter.acquire("anna", "joystick", Priority.OPERATOR)
        waiting = asyncio.create_task(site.arbiter.acquire("link", "track", Priority.TRACKING, wait=True))
        await site.clock.advance(8.0)
        await lease.move_continuous(pan=0.2, tilt=0.0)
        await site.clock.advance(9.5)
        assert lease.active
        await site.clock.advance(1.0)
        assert lease.lost.is_set()
        assert lease.end_reason == "timeout"
        assert site.arbiter.owner.owner == "link"
        await site.clock.advance(1.0)
        assert site.motors.order[-1] == "stop"
        await (await waiting).release()


async def test_a_move_to_a_place_goes_on_after_the_lease_was_given_back():
    async with Site() as site:
        async with await site.arbiter.acquire("rule", "gate preset", Priority.RULE) as lease:
            await lease.move_absolute(pan_deg=80.0)
        await site.clock.advance(4.0)
        assert site.motors.pan == pytest.approx(80.0, abs=0.1)


async def test_a_caller_that_is_cancelled_while_it_waits_leaves_nothing_behind():
    async with Site() as site:
        held = await site.arbiter.acquire("anna", "x", Priority.RULE)
        waiting = asyncio.create_task(site.arbiter.acquire("bert", "x", Priority.RULE, wait=True))
        await asyncio.sleep(0)
        await held.release()
        # Granted, but cancelled before it could run.
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert site.arbiter.owner is None


async def test_a_camera_that_vanishes_and_comes_back():
    async with Site() as site:
        lease = await site.arbiter.acquire("link", "track", Priority.TRACKING)
        await site.arbiter.detach()
        with pytest.raises(PtzUnavailable, match="cannot be reached"):
            await lease.move_absolute(pan_deg=1.0)
        await site.clock.advance(5.0)
        await site.arbiter.attach(site.motors)
        await lease.move_absolute(pan_deg=20.0)
        await site.clock.advance(3.0)
        assert site.arbiter.pose.pan_deg == pytest.approx(20.0, abs=0.1)


async def test_a_camera_that_does_not_answer_is_asked_less_often_and_noticed_when_it_does():
    async with Site() as site:
        lease = await site.arbiter.acquire("link", "track", Priority.TRACKING)
        site.motors.broken = True
        await site.clock.advance(3.0)
        assert "does not answer" in site.arbiter.fault
        with pytest.raises(Exception, match="does not answer"):
            await lease.move_absolute(pan_deg=5.0)
        site.motors.broken = False
        await site.clock.advance(2.0)
        assert site.arbiter.fault is None
        await lease.move_absolute(pan_deg=5.0)
        await site.clock.advance(2.0)
        assert site.arbiter.pose.pan_deg == pytest.approx(5.0, abs=0.1)


async def test_home_is_the_configured_pose():
    async with Site(home=Pose(33.0, -12.0, 30.0)) as site:
        async with await site.arbiter.acquire("link", "park", Priority.PARK) as lease:
            await lease.goto_home()
        await site.clock.advance(4.0)
        assert site.arbiter.pose.pan_deg == pytest.approx(33.0, abs=0.1)
        assert site.arbiter.pose.hfov_deg == pytest.approx(30.0, rel=0.05)


async def test_the_pose_of_a_past_moment_is_the_one_the_camera_had():
    async with Site() as site:
        lease = await site.arbiter.acquire("link", "track", Priority.TRACKING)
        await lease.move_velocity(pan_dps=30.0, tilt_dps=-5.0)
        await site.clock.advance(2.0)
        for at, pan, _, _ in site.motors.past[100::10]:
            known = site.arbiter.pose_at(at)
            if known is not None and at < site.clock.now() - 0.1:
                assert known.pan_deg == pytest.approx(pan, abs=0.5)


actions = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "wait", "release", "move", "cancel", "advance", "break", "mend"]),
        st.integers(0, 4),
        st.sampled_from(list(Priority)),
    ),
    max_size=40,
)


class Crowd:
    """Several who want one camera, and do what they are told in any order."""

    def __init__(self, site):
        self.site = site
        self.leases = []
        self.waiting = []

    async def do(self, kind, number, priority):
        await getattr(self, f"do_{kind}")(number, priority)
        self.leases += [task.result() for task in self.waiting if task.done() and not task.cancelled()]
        assert len({id(lease) for lease in self.leases if lease.active}) <= 1

    async def do_acquire(self, number, priority):
        before = self.site.arbiter.owner
        try:
            self.leases.append(await self.site.arbiter.acquire(f"owner {number}", "x", priority))
        except LeaseRefused:
            assert before.priority >= priority

    async def do_wait(self, number, priority):
        waits = self.site.arbiter.acquire(f"owner {number}", "x", priority, wait=True)
        self.waiting.append(asyncio.create_task(waits))
        await asyncio.sleep(0)

    async def do_release(self, number, priority):
        for lease in self.leases[number : number + 1]:
            await lease.release()

    async def do_move(self, number, priority):
        for lease in self.leases[number : number + 1]:
            active, commands = lease.active, len(self.site.motors.order)
            with suppress(LeaseLost, CameraUnreachable):
                await lease.move_continuous(pan=0.1, tilt=0.0)
            assert active or len(self.site.motors.order) == commands

    async def do_cancel(self, number, priority):
        for task in self.waiting[number : number + 1]:
            task.cancel()

    async def do_advance(self, number, priority):
        await self.site.clock.advance(number * 3.0)

    async def do_break(self, number, priority):
        self.site.motors.broken = True

    async def do_mend(self, number, priority):
        self.site.motors.broken = False

    async def leave(self):
        for task in self.waiting:
            task.cancel()
        await asyncio.gather(*self.waiting, return_exceptions=True)
        self.leases += [task.result() for task in self.waiting if not task.cancelled()]
        for lease in self.leases:
            await lease.release()


@settings(max_examples=80, deadline=None)
@given(actions)
async def test_whatever_happens_there_is_one_owner_at_most_and_no_lease_is_lost(sequence):
    async with Site() as site:
        crowd = Crowd(site)
        for kind, number, priority in sequence:
            await crowd.do(kind, number, priority)
        await crowd.leave()
        assert site.arbiter.owner is None
        assert site.motors.most_in_flight <= 1
        assert all(a != b or a is not None for a, b in pairwise(site.owners))
