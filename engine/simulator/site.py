"""The whole simulated site: two ONVIF cameras with video, and the note that tells others how to reach them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.simulator.devices import CameraBackend, SimulatedMotors, name_plate
from engine.simulator.dynamics import PtzDynamics
from engine.simulator.encoder import SimulatedEncoder
from engine.simulator.equipment import Equipment
from engine.simulator.rtsp import SOUNDS, Login, StreamServer, VideoStream
from engine.simulator.scene import PictureSize, Scene
from engine.simulator.studio import OVERVIEW, PTZ, Studio
from engine.simulator.terminals import SimulatedTerminals
from engine.simulator.truth import TruthLog
from onvif_server import OnvifDevice
from onvif_server.backend import Account, StaticUsers, VideoChannel

READY_FILE = "ready.json"
TRUTH_FILE = "truth.jsonl"
PROFILE_HINT = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """How the site is run. The folder must exist."""

    folder: Path
    login: Login
    host: str = "127.0.0.1"
    command_delay_s: float = 0.08
    video_delay_s: float = 0.1
    sound: str = ""
    """What the cameras' microphones hear is sent as `PCMU`, `PCMA` or `AAC`; without any, they have none."""
    back_channel: str = ""
    """The cameras' loudspeakers take `PCMU` or `PCMA`; without any, they have none."""
    rtsp_port: int = 0
    onvif_ports: tuple[int, int] = (0, 0)
    """Of the overview and the PTZ camera; 0 takes a free port."""


class SimulatedSite:
    """Runs until it is stopped."""

    def __init__(self, scene: Scene, settings: SiteSettings) -> None:
        self._scene = scene
        self._settings = settings
        facts = scene.facts
        self.epoch = time.time()
        self.dynamics = PtzDynamics(
            facts.motors, facts.zoom_curve, facts.home, start=self.epoch, command_delay_s=settings.command_delay_s
        )
        streams = tuple(
            VideoStream(role, size, facts.fps, sound=settings.sound, back_channel=settings.back_channel)
            for role, size in ((OVERVIEW, facts.overview_size), (PTZ, facts.ptz_size))
        )
        self._server = StreamServer(settings.host, streams, settings.login, settings.rtsp_port)
        self.loudspeakers = self._server.loudspeakers
        """By role, where the cameras have some."""
        self._log = TruthLog(settings.folder / TRUTH_FILE)
        self.equipment = {
            stream.path: Equipment(
                encoder=SimulatedEncoder(stream, self._server.reconfigure),
                terminals=SimulatedTerminals() if stream.path == PTZ else None,
            )
            for stream in streams
        }
        self.studio = Studio(
            scene,
            self.dynamics,
            self._server,
            self._log,
            {role: one.finish for role, one in self.equipment.items()},
            epoch=self.epoch,
            video_delay_s=settings.video_delay_s,
        )
        self._devices: list[OnvifDevice] = []

    async def start(self) -> dict[str, Any]:
        """Starts everything, writes the note, and returns it. Raises OSError or StreamServerError for a taken port."""
        facts, settings = self._scene.facts, self._settings
        rtsp_port = self._server.start()
        users = StaticUsers({settings.login.username: Account(settings.login.password)})
        cameras = []
        for role, size, port in zip(
            (OVERVIEW, PTZ), (facts.overview_size, facts.ptz_size), settings.onvif_ports, strict=True
        ):
            device = OnvifDevice(self._backend(role, size, rtsp_port), users)
            self._devices.append(device)
            terminals = self.equipment[role].terminals
            if terminals is not None:
                terminals.connect(device.broker)
            bound = await device.start(settings.host, port)
            cameras.append(self._camera_note(role, size, bound, rtsp_port))
        self.studio.start()
        note = self._note(cameras)
        _write_private(settings.folder / READY_FILE, note)
        return note

    async def stop(self) -> None:
        """Ends whatever was started, and takes the note away."""
        (self._settings.folder / READY_FILE).unlink(missing_ok=True)
        self.studio.stop()
        for device in self._devices:
            await device.stop()
        self._server.stop()
        self._log.close()

    def _backend(self, role: str, size: PictureSize, rtsp_port: int) -> CameraBackend:
        facts, equipment = self._scene.facts, self.equipment[role]
        return CameraBackend(
            information=name_plate(role, facts.name),
            channel=VideoChannel(
                token=PROFILE_HINT,
                name=f"{role.capitalize()} camera",
                width=size.width,
                height=size.height,
                fps=facts.fps,
                gov_length=max(round(facts.fps), 1),
                audio=SOUNDS.get(self._settings.sound),
                back_channel=SOUNDS.get(self._settings.back_channel),
            ),
            rtsp_port=rtsp_port,
            rtsp_path=role,
            take_picture=lambda: self.studio.picture(role),
            order_key_frame=lambda: self._server.key_frame(role),
            motors=SimulatedMotors(facts, self.dynamics, accessories=equipment.accessories) if role == PTZ else None,
            equipment=equipment,
        )

    def _camera_note(self, role: str, size: PictureSize, onvif_port: int, rtsp_port: int) -> dict[str, Any]:
        host, facts = self._settings.host, self._scene.facts
        note: dict[str, Any] = {
            "id": role,
            "name": f"{role.capitalize()} camera",
            "role": role,
            "onvif": f"http://{host}:{onvif_port}/onvif/device_service",
            "rtsp": f"rtsp://{host}:{rtsp_port}/{role}",
            "width": size.width,
            "height": size.height,
            "fps": facts.fps,
            "latency_s": self._settings.video_delay_s,
        }
        if role == OVERVIEW:
            return note | {"projection": facts.projection, "hfov_deg": facts.overview_hfov_deg}
        return note | {
            "projection": "pinhole",
            "zoom_curve": [{"zoom": zoom, "hfov_deg": hfov} for zoom, hfov in facts.zoom_curve.points],
            "pan_speed_dps": facts.motors.pan_speed,
            "tilt_speed_dps": facts.motors.tilt_speed,
            "command_delay_s": self._settings.command_delay_s,
            "home": {"pan_deg": facts.home.pan_deg, "tilt_deg": facts.home.tilt_deg, "hfov_deg": facts.home.hfov_deg},
        }

    def _note(self, cameras: list[dict[str, Any]]) -> dict[str, Any]:
        facts, login = self._scene.facts, self._settings.login
        return {
            "pid": os.getpid(),
            "scene": facts.name,
            "epoch": self.epoch,
            "username": login.username,
            "password": login.password,
            "truth": str((self._settings.folder / TRUTH_FILE).resolve()),
            "cameras": cameras,
            "pairs": [
                {
                    "x": round(pair.point.x, 5),
                    "y": round(pair.point.y, 5),
                    "pan_deg": round(pair.direction.pan_deg, 3),
                    "tilt_deg": round(pair.direction.tilt_deg, 3),
                }
                for pair in facts.pairs
            ],
            "region": [[round(point.x, 5), round(point.y, 5)] for point in facts.region],
            "annotated_target": facts.annotated_target,
        }


def _write_private(path: Path, note: dict[str, Any]) -> None:
    """Writes the note so that nobody ever sees half of it, and no other user any of it."""
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(note, file, indent=1)
        file.write("\n")
    draft.replace(path)
