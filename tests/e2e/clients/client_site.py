"""The yard with the engine as an ONVIF device, for the clients of this folder."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from home_views import decoded
from lxml import etree
from real_processes import START_S, Api, Engine, Simulator, free_ports, wait_for
from recorder import PASSWORD, USER, Recorder

from demo.site import PTZ, Ports, write_site
from engine.core.geometry import Pose, wrap_deg

PLAY_S = 90.0
"""The yard's play repeats every minute: somebody comes in that time, on a slow machine, too."""
REACH_S = 40.0
"""So long a move may take until the motors are there."""
NEAR_DEG = 1.0
REST_S = 0.5
IMAGING = 'xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl"'


@dataclass(frozen=True, slots=True)
class ClientSite:
    """What runs, where it answers, and what the simulated motors really do."""

    simulator: Simulator
    engine: Engine
    ports: Ports

    @property
    def api(self) -> Api:
        return self.engine.api

    @property
    def recorder(self) -> Recorder:
        return Recorder(f"http://127.0.0.1:{self.ports.onvif}/onvif/device_service")

    def camera(self, channel: str) -> Recorder:
        """A simulated camera, as it is without the engine."""
        note = self.simulator.note
        url = next(one["onvif"] for one in note["cameras"] if one["id"] == channel)
        return Recorder(url, note["username"], note["password"])

    @property
    def home(self) -> Pose:
        """Where the PTZ camera looks when nobody uses it."""
        values = next(camera["home"] for camera in self.simulator.note["cameras"] if camera["id"] == PTZ)
        return Pose(values["pan_deg"], values["tilt_deg"], values["hfov_deg"])

    @property
    def pose(self) -> Pose:
        """Where the simulated camera looks now."""
        return _pose(self.simulator.truth()["pose"])

    def reached(self, since: float, there: Callable[[Pose], bool], what: str) -> Pose:
        """The first pose since an instant that is there."""

        def look() -> Pose | None:
            poses = (_pose(one["pose"]) for one in self.simulator.truths(since, time.time()))
            return next((pose for pose in poses if there(pose)), None)

        return wait_for(look, what, REACH_S)

    def rested(self, since: float, there: Callable[[Pose], bool], what: str) -> Pose:
        """Where the camera rests after it was there since an instant: a later move begins from it."""
        self.reached(since, there, what)

        def look() -> Pose | None:
            now = time.time()
            poses = [_pose(one["pose"]) for one in self.simulator.truths(now - REST_S, now)]
            return poses[-1] if len(poses) > 1 and all(pose == poses[0] for pose in poses) else None

        return wait_for(look, f"{what}, at rest", REACH_S)

    def rules(self) -> dict[str, dict[str, object]]:
        """The engine's rules, by name."""
        return {rule["name"]: rule for rule in self.api.get("rules")["rules"]}


def _pose(values: Mapping[str, float]) -> Pose:
    return Pose(values["pan_deg"], values["tilt_deg"], values["hfov_deg"])


def imaging_value(device: Recorder, source: str, field: str, operation: str = "GetImagingSettings") -> str:
    """What a device tells of a video source: one of its settings or (`GetStatus`) something about its focus."""
    token = f"<timg:VideoSourceToken>{source}</timg:VideoSourceToken>"
    answer: etree._Element = device.call(f"<timg:{operation} {IMAGING}>{token}</timg:{operation}>")
    return answer.findtext(f".//{{*}}{field}", "")


def near(pose: Pose, pan_deg: float, tilt_deg: float) -> bool:
    """Whether a pose looks there."""
    return abs(wrap_deg(pose.pan_deg - pan_deg)) < NEAR_DEG and abs(pose.tilt_deg - tilt_deg) < NEAR_DEG


def shows_something(jpeg: bytes) -> tuple[int, int]:
    """Width and height of the picture in a JPEG, which is not of one colour."""
    height, width, _ = decoded(jpeg).shape
    return width, height


@contextmanager
def running_site(folder: Path, environment: Mapping[str, str]) -> Iterator[ClientSite]:
    """Starts simulator and engine, waits until the device answers, and ends both."""
    simulator = Simulator(folder / "simulator")
    engine: Engine | None = None
    try:
        simulator.switch_on()
        ports = Ports(*free_ports(3), home_assistant=0)
        engine = Engine(write_site(folder / "site", simulator.note, ports), ports.api, environment)
        engine.activate()
        engine.api.post("device-users", {"username": USER, "password": PASSWORD, "role": "administrator"})
        wait_for(lambda: _listens(ports.onvif), "the ONVIF device answers", START_S)
        site = ClientSite(simulator, engine, ports)
        wait_for(lambda: _all_online(site.api), "the cameras are online", START_S)
        yield site
        assert engine.process.end() == 0
        complaints = [line for line in engine.process.output.splitlines() if " ERROR " in line or "Traceback" in line]
        assert not complaints, complaints
    finally:
        if engine is not None:
            engine.process.kill()
        simulator.cut_power()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5.0):
            return True
    except OSError:
        return False


def _all_online(api: Api) -> bool:
    return all(channel["online"] and channel["relay_url"] for channel in api.get("state")["channels"])
