"""The engine's own presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from engine.core.geometry import Pose
from engine.store.database import Database
from engine.store.tables import presets


@dataclass(frozen=True, slots=True)
class PresetRecord:
    """A pose with a name."""

    preset_id: str
    name: str
    pose: Pose


class Presets:
    """Keeps the presets of all channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, channel: str) -> Sequence[PresetRecord]:
        """The presets of a channel, in the order of their making. Raises StoreFailure."""
        columns = presets.c
        query = (
            select(columns.preset_id, columns.name, columns.pan_deg, columns.tilt_deg, columns.hfov_deg)
            .where(columns.channel == channel)
            .order_by(columns.position)
        )
        async with self._database.read("read the presets") as connection:
            return [
                PresetRecord(preset_id, name, Pose(pan_deg, tilt_deg, hfov_deg))
                for preset_id, name, pan_deg, tilt_deg, hfov_deg in await connection.execute(query)
            ]

    async def save(self, channel: str, preset_id: str, name: str, pose: Pose) -> None:
        """Adds a preset, or replaces the one of the same id in its place. Raises StoreFailure."""
        values = {"name": name, "pan_deg": pose.pan_deg, "tilt_deg": pose.tilt_deg, "hfov_deg": pose.hfov_deg}
        of_channel = presets.c.channel == channel
        async with self._database.write("store a preset") as connection:
            updated = await connection.execute(
                presets.update().where(of_channel, presets.c.preset_id == preset_id).values(values)
            )
            if updated.rowcount:
                return
            last = await connection.scalar(select(func.max(presets.c.position)).where(of_channel))
            position = 0 if last is None else last + 1
            await connection.execute(
                presets.insert().values(channel=channel, preset_id=preset_id, position=position, **values)
            )

    async def remove(self, channel: str, preset_id: str) -> None:
        """Forgets a preset; harmless when it is not there. Raises StoreFailure."""
        async with self._database.write("remove a preset") as connection:
            await connection.execute(
                presets.delete().where(presets.c.channel == channel, presets.c.preset_id == preset_id)
            )
