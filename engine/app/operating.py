"""What the API can ask of motors and links."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.api.messages.links import LookAtRequest, TrackRequest
from engine.api.messages.motors import MoveRequest
from engine.api.messages.state import PresetState
from engine.api.services import BusyError, NotAvailableError, NotFoundError, NotPossibleError
from engine.app.channels import ChannelAtWork
from engine.app.rule_services import RuleServices
from engine.cameras.errors import CameraError
from engine.core.geometry import Box, Point
from engine.linkage import LinkDirector, NoTarget, UnknownLink
from engine.ptz import Arbiter, Lease, LeaseLost, LeaseRefused, Priority, PtzError, PtzUnavailable, UnknownPreset

RENEW_S = 5.0
"""A long move keeps its lease from timing out."""


class Operating(RuleServices):
    """The part of `engine.api.services.EngineServices` that moves cameras."""

    # --- motors -----------------------------------------------------------------------------------------------

    async def move(self, channel: str, request: MoveRequest, *, by: str) -> None:
        """See the protocol."""
        with _told():
            lease = await self._operate(channel, by)
            pan, tilt = request.pan, request.tilt
            if request.mode == "absolute":
                await lease.move_absolute(pan_deg=pan, tilt_deg=tilt, zoom=request.zoom, speed=request.speed)
            elif request.mode == "relative":
                await lease.move_relative(pan_deg=pan, tilt_deg=tilt, zoom=request.zoom, speed=request.speed)
            else:
                head, speed = (pan, tilt) != (None, None), request.speed
                await lease.move_continuous(
                    pan=(pan or 0.0) * speed if head else None,
                    tilt=(tilt or 0.0) * speed if head else None,
                    zoom=request.zoom,
                    proportional=True,
                )
                if request.duration_s is not None:
                    self._rooms.spawn(self._stop_after(lease, request.duration_s))

    async def _stop_after(self, lease: Lease, seconds: float) -> None:
        renewed = lease.renewed_at
        end = self._rooms.clock.monotonic() + seconds
        while (left := end - self._rooms.clock.monotonic()) > 0:
            await self._rooms.clock.sleep(min(left, RENEW_S))
            # A later command of the same operator goes on.
            if not lease.active or lease.renewed_at != renewed:
                return
            if left > RENEW_S:
                lease.renew()
                renewed = lease.renewed_at
        if lease.active:
            with _told():
                await lease.stop()

    async def stop(self, channel: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            lease = await self._operate(channel, by)
            await lease.stop()
            await lease.release()

    async def go_home(self, channel: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await (await self._operate(channel, by)).goto_home()

    async def presets(self, channel: str) -> list[PresetState]:
        """See the protocol."""
        return [PresetState(id=one.preset_id, name=one.name) for one in self._arbiter(channel).presets]

    async def save_preset(self, channel: str, name: str, *, by: str) -> PresetState:
        """See the protocol."""
        with _told():
            preset = await self._arbiter(channel).set_preset(name)
        return PresetState(id=preset.preset_id, name=preset.name)

    async def remove_preset(self, channel: str, preset_id: str, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await self._arbiter(channel).remove_preset(preset_id)

    async def goto_preset(self, channel: str, preset_id: str, speed: float, *, by: str) -> None:
        """See the protocol."""
        with _told():
            await (await self._operate(channel, by)).goto_preset(preset_id, speed)

    # --- links ------------------------------------------------------------------------------------------------

    async def look_at(self, link: str, request: LookAtRequest, *, by: str) -> None:
        """See the protocol."""
        director = self._director(link)
        with _told():
            if request.width is not None and request.height is not None:
                box = Box(request.x, request.y, request.width, request.height)
                await director.look_at(box=box, owner=_operator(by))
            else:
                await director.look_at(point=Point(request.x, request.y), owner=_operator(by))

    async def track(self, link: str, request: TrackRequest, *, by: str) -> str:
        """See the protocol."""
        director = self._director(link)
        with _told():
            # Who asks for a pursuit has finished steering by hand.
            arbiter = self._rooms.channels[director.settings.ptz].arbiter
            if arbiter is not None and arbiter.owner is not None and arbiter.owner.owner == _operator(by):
                await (await self._operate(director.settings.ptz, by)).release()
            if request.track_id is not None:
                return await director.track(track_id=request.track_id)
            return await director.track(point=Point(request.x or 0.0, request.y or 0.0))

    async def stop_tracking(self, link: str, *, by: str) -> None:
        """See the protocol."""
        await self._director(link).stop_tracking()

    # --- finding ----------------------------------------------------------------------------------------------

    def _find(self, channel_id: str) -> ChannelAtWork:
        try:
            return self._rooms.channels[channel_id]
        except KeyError:
            raise NotFoundError(f"there is no channel '{channel_id}'") from None

    def _arbiter(self, channel_id: str) -> Arbiter:
        arbiter = self._find(channel_id).arbiter
        if arbiter is None:
            raise NotPossibleError(f"channel '{channel_id}' has no motors")
        return arbiter

    def _director(self, link_id: str) -> LinkDirector:
        try:
            return self._rooms.director.link(link_id)
        except UnknownLink as error:
            raise NotFoundError(str(error)) from error

    async def _operate(self, channel_id: str, by: str) -> Lease:
        return await self._arbiter(channel_id).acquire(_operator(by), "manual control", Priority.OPERATOR)


def _operator(by: str) -> str:
    return f"user:{by}"


@contextmanager
def _told() -> Iterator[None]:
    """Turns what the rooms raise into what the API answers."""
    try:
        yield
    except LeaseRefused as error:
        raise BusyError(str(error)) from error
    except (PtzUnavailable, LeaseLost, CameraError) as error:
        raise NotAvailableError(str(error)) from error
    except UnknownPreset as error:
        raise NotFoundError(str(error)) from error
    except (PtzError, NoTarget) as error:
        raise NotPossibleError(str(error)) from error
