"""Channels: pictures, tracks, motors, presets."""

from __future__ import annotations

from engine.access import Role
from engine.api.messages.history import SnapshotQuery
from engine.api.messages.links import ChannelTracks
from engine.api.messages.motors import GotoRequest, MoveRequest, PresetRequest
from engine.api.messages.state import PresetList, PresetState
from engine.api.operations import Call, Jpeg, operation


@operation("GET", "/channels/{channel_id}/snapshot.jpg", tag="channels", role=Role.USER)
async def get_snapshot(call: Call, query: SnapshotQuery) -> Jpeg:
    """A picture in full resolution, of now or of an instant within the last seconds."""
    return Jpeg(await call.context.services.snapshot(call.path["channel_id"], query.at), lasting=False)


@operation("GET", "/channels/{channel_id}/tracks", tag="channels", role=Role.USER)
async def get_tracks(call: Call) -> ChannelTracks:
    """The targets that are followed now; the WebSocket sends them as they move."""
    channel = call.path["channel_id"]
    update = await call.context.services.tracks(channel)
    return ChannelTracks(channel=channel, captured_at=None, tracks=[]) if update is None else ChannelTracks.of(update)


@operation("POST", "/channels/{channel_id}/ptz/move", tag="ptz", role=Role.OPERATOR)
async def move(call: Call, body: MoveRequest) -> None:
    """Move a PTZ channel; operators go before rules, tracking, schedules and patrols."""
    await call.context.services.move(call.path["channel_id"], body, by=call.by)


@operation("POST", "/channels/{channel_id}/ptz/stop", tag="ptz", role=Role.OPERATOR)
async def stop(call: Call) -> None:
    """Stop pan, tilt and zoom."""
    await call.context.services.stop(call.path["channel_id"], by=call.by)


@operation("POST", "/channels/{channel_id}/ptz/home", tag="ptz", role=Role.OPERATOR)
async def go_home(call: Call) -> None:
    """Go to the home position."""
    await call.context.services.go_home(call.path["channel_id"], by=call.by)


@operation("GET", "/channels/{channel_id}/presets", tag="presets", role=Role.USER)
async def list_presets(call: Call) -> PresetList:
    """List the presets of a channel."""
    return PresetList(presets=await call.context.services.presets(call.path["channel_id"]))


@operation("POST", "/channels/{channel_id}/presets", tag="presets", role=Role.OPERATOR)
async def save_preset(call: Call, body: PresetRequest) -> PresetState:
    """Keep where the channel looks now as a preset."""
    return await call.context.services.save_preset(call.path["channel_id"], body.name, by=call.by)


@operation("DELETE", "/channels/{channel_id}/presets/{preset_id}", tag="presets", role=Role.OPERATOR)
async def remove_preset(call: Call) -> None:
    """Forget a preset."""
    await call.context.services.remove_preset(call.path["channel_id"], call.path["preset_id"], by=call.by)


@operation("POST", "/channels/{channel_id}/presets/{preset_id}/goto", tag="presets", role=Role.OPERATOR)
async def goto_preset(call: Call, body: GotoRequest) -> None:
    """Go to a preset."""
    path = call.path
    await call.context.services.goto_preset(path["channel_id"], path["preset_id"], body.speed, by=call.by)
