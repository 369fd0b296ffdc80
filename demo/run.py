"""One run of the demo: starts everything, watches it, ends everything."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from demo.contact_sheet import Row, write_contact_sheet
from demo.engine_client import ADMIN, EngineClient, EngineError, Heard
from demo.home_assistant import USERNAME, HomeAssistant, StateChange
from demo.onvif_listener import OnvifListener
from demo.report import Measured, Report, make_report
from demo.site import LINK, OVERVIEW, Ports, free_ports
from demo.stack import StackSettings, running
from demo.truth import Truth, box_of
from demo.usage import ProcessorTimes, children_of
from engine.core.geometry import Box, Point

FINISH_S = 25.0
"""After the measured time, targets that entered get so long to be captured."""
CLICK_AGAIN_S = 1.0
DEFAULT_PORTS = Ports(api=8765, relay=8554, onvif=8766, home_assistant=8123)


class DemoError(Exception):
    """The demo cannot run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    repository: Path
    folder: Path
    scene: str
    seconds: float | None
    report: Path | None
    home_assistant: bool


def choose_ports(folder: Path) -> Ports:
    """The ports of this demo: the usual ones where they are free at the first start, and the same ever after."""
    kept = folder / "ports.json"
    if kept.exists():
        ports = Ports(**json.loads(kept.read_text()))
        for name, port in asdict(ports).items():
            if not _is_free(port):
                raise DemoError(f"port {port} ({name}) is used by another program; end it, or start with --fresh")
        return ports
    usual = asdict(DEFAULT_PORTS)
    others = dict(zip(usual, free_ports(len(usual)), strict=True))
    chosen = {name: port if _is_free(port) else others[name] for name, port in usual.items()}
    # Home Assistant keeps the token of the engine in it, readable for whoever may look into the folder.
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.parent.chmod(0o700)
    kept.write_text(json.dumps(chosen))
    return Ports(**chosen)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Demo:
    """Everything that runs, and everything that was seen."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = options.folder
        self.ports = choose_ports(self.folder)
        self._changes: list[StateChange] = []
        self._paths: dict[str, list[Point]] = defaultdict(list)
        self._overviews: dict[str, list[tuple[float, bytes, Box]]] = defaultdict(list)
        self._newest_tracks: dict[str, Any] | None = None
        self._rates: list[float] = []
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> Report | None:
        """Runs until it is cancelled, or for the measured time; returns the report of a measured run."""
        began = time.monotonic()
        settings = StackSettings(
            repository=self.options.repository,
            folder=self.folder,
            ports=self.ports,
            scene=self.options.scene,
            home_assistant=self.options.home_assistant,
            environment=models_beside(Path(self.options.scene)),
        )
        async with running(settings, say) as stack:
            note, engine, hass = stack.note, stack.engine, stack.hass
            credentials = await engine.call("GET", "/stream-credentials")
            listener = OnvifListener("127.0.0.1", self.ports.onvif, credentials["username"], credentials["password"])
            say(f"everything runs after {time.monotonic() - began:.1f} s")
            self._print_addresses(engine, hass)
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                watchers = [
                    tasks.create_task(engine.listen(lambda heard: self._on_event(engine, heard), self._on_tracks)),
                    tasks.create_task(listener.run()),
                    tasks.create_task(self._watch_rates(engine)),
                ]
                if self.options.home_assistant:
                    watchers.append(tasks.create_task(self._watch_home_assistant(hass)))
                await engine.listening.wait()
                await listener.subscribed.wait()
                pids = [engine.child.pid, *children_of(engine.child.pid)]
                meter, start = ProcessorTimes({str(pid): pid for pid in pids}), time.time()
                if note["annotated_target"]:
                    watchers.append(tasks.create_task(self._operate(engine, hass, note)))
                report = await self._measure(note, engine, listener, meter, start)
                for watcher in watchers:
                    watcher.cancel()
            if report is not None:
                await self._write(report, engine)
            return report

    # --- addresses --------------------------------------------------------------------------------------------

    def _print_addresses(self, engine: EngineClient, hass: HomeAssistant) -> None:
        file = self.folder / "secrets.json"
        if self.options.home_assistant:
            print(f"  dashboard   {hass.url}/smart-ptz  (user {USERNAME}, password {hass.password})")
        print(f"  API         {engine.url}/docs  (user {ADMIN}, password {engine.password})")
        print(f"  RTSP        rtsp://127.0.0.1:{self.ports.relay}/overview and /ptz  (GET /api/v1/stream-credentials)")
        print(f"  ONVIF       http://127.0.0.1:{self.ports.onvif}/onvif/device_service  (the same user)")
        print(f"  passwords   {file}", flush=True)

    # --- watch ------------------------------------------------------------------------------------------------

    def _on_event(self, engine: EngineClient, heard: Heard) -> None:
        event = heard.event
        if event["kind"] in SENTENCES:
            print(f"  {time.strftime('%H:%M:%S')}  {SENTENCES[event['kind']](event)}", flush=True)
        if event["kind"] == "rule_triggered" and event["active"] and self._tasks is not None:
            self._tasks.create_task(self._keep_overview(engine, event["track_id"], event["at"], box_of(event["box"])))

    async def _keep_overview(self, engine: EngineClient, track_id: str, at: float, box: Box) -> None:
        """Keeps the overview's picture of the moment, for the contact sheet."""
        try:
            picture = await engine.picture(f"/channels/{OVERVIEW}/snapshot.jpg?at={at}")
        except EngineError as error:
            say(f"no overview picture of {track_id}: {error}")
            return
        self._overviews[track_id].append((at, picture, box))

    def _on_tracks(self, message: dict[str, Any]) -> None:
        if message["channel"] != OVERVIEW:
            return
        self._newest_tracks = message
        for track in message["tracks"]:
            if track["confirmed"]:
                self._paths[track["track_id"]].append(box_of(track["box"]).foot)

    async def _watch_rates(self, engine: EngineClient) -> None:
        while True:
            await asyncio.sleep(2)
            state = await engine.call("GET", "/state")
            self._rates.append(sum(channel["analysed_fps"] or 0.0 for channel in state["channels"]))

    async def _watch_home_assistant(self, hass: HomeAssistant) -> None:
        async for change in hass.state_changes():
            self._changes.append(change)

    async def _operate(self, engine: EngineClient, hass: HomeAssistant, note: dict[str, Any]) -> None:
        """Follows the annotated target as an operator would: by a click on it in the overview, again when lost."""
        while True:
            state = await engine.call("GET", "/state")
            shown = self._shown_box(note) if state["links"][0]["tracking"] is None else None
            if shown is not None:
                at, box = shown
                say(f"an operator clicks on {note['annotated_target']} in the overview")
                x, y = box.centre.x % 1.0, min(max(box.centre.y, 0.0), 1.0)
                if self.options.home_assistant:
                    await hass.track(x, y)
                else:
                    await engine.call("POST", f"/links/{LINK}/track", {"x": x, "y": y})
                picture = await engine.picture(f"/channels/{OVERVIEW}/snapshot.jpg?at={at}")
                self._overviews["operator"].append((at, picture, box))
            await asyncio.sleep(CLICK_AGAIN_S)

    def _shown_box(self, note: dict[str, Any]) -> tuple[float, Box] | None:
        """The box that the engine draws around the annotated target in the overview now, and its time."""
        if self._newest_tracks is None:
            return None
        at: float = self._newest_tracks["captured_at"]
        truth = Truth.read(Path(note["truth"]))
        for track in self._newest_tracks["tracks"]:
            box = box_of(track["box"])
            if track["confirmed"] and truth.who_in_overview(at, box) == note["annotated_target"]:
                return at, box
        return None

    # --- measure ----------------------------------------------------------------------------------------------

    async def _measure(
        self, note: dict[str, Any], engine: EngineClient, listener: OnvifListener, meter: ProcessorTimes, start: float
    ) -> Report | None:
        if self.options.seconds is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self.options.seconds or 0.0)
        end = time.time()
        cores = sum(meter.shares().values())
        while True:
            measured = Measured(
                truth=Truth.read(Path(note["truth"])),
                events=engine.events,
                state_changes=self._changes,
                notifications=listener.notifications,
                start=start,
                end=end,
                finished=time.time(),
                cpu_per_channel=cores / 2,
                frames_analysed_per_s=mean(self._rates) if self._rates else 0.0,
                followed=note["annotated_target"],
            )
            report = make_report(note["scene"], measured)
            if report.complete or time.time() - end > FINISH_S:
                return report
            await asyncio.sleep(1.0)

    async def _write(self, report: Report, engine: EngineClient) -> None:
        folder = self.options.report or self.folder / "report"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
        rows = []
        for heard in engine.events:
            event = heard.event
            if event["kind"] != "capture_taken":
                continue
            overview = self._overview_of(event)
            rows.append(
                Row(
                    caption=f"{event['target_type']}, grade {event['grade']:.2f}, {event['track_id']}",
                    overview=overview[1] if overview else None,
                    overview_box=overview[2] if overview else None,
                    background=await engine.picture(f"/captures/{event['capture_id']}/background.jpg"),
                    picture=await engine.picture(f"/captures/{event['capture_id']}/picture.jpg"),
                    box=box_of(event["box"]),
                    path=self._paths.get(event["track_id"], []),
                )
            )
        write_contact_sheet(folder / "contact-sheet.png", rows)
        for name, value in report.as_json().items():
            print(f"  {name:<24} {value}")
        say(f"written: {folder / 'report.json'} and {folder / 'contact-sheet.png'}")

    def _overview_of(self, capture: dict[str, Any]) -> tuple[float, bytes, Box] | None:
        """The overview's picture of the last event before a capture: one track may have been several people."""
        kept = self._overviews.get(capture["track_id"]) or self._overviews.get("operator") or []
        # The picture that was kept may be a little older than the event: the PTZ was there already.
        return max(
            (one for one in kept if one[0] <= capture["at"]), key=lambda one: one[0], default=kept[0] if kept else None
        )


def say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"[demo] {text}", flush=True)


def models_beside(scene: Path) -> dict[str, str]:
    """The folder of models that lies beside the folder of a clip, where the user names none of their own."""
    models = scene.parent.parent / "models"
    if "SMART_PTZ_MODELS" in os.environ or not scene.is_file() or not models.is_dir():
        return {}
    say(f"using the models in {models}")
    return {"SMART_PTZ_MODELS": str(models)}


SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "rule_triggered": lambda e: (
        f"{e['target_type'] or 'something'} {'entered' if e['active'] else 'left'} {e['rule_id']}"
    ),
    "tracking_started": lambda e: f"PTZ goes after the {e['target_type']} ({e['reason']})",
    "tracking_ended": lambda e: f"PTZ leaves it: {e['reason']}",
    "capture_taken": lambda e: f"picture of a {e['target_type']}, grade {e['grade']:.2f}",
    "camera_offline": lambda e: f"{e['channel']} is offline: {e['reason']}",
    "camera_refused": lambda e: f"{e['channel']} refuses us: {e['reason']}",
    "camera_online": lambda e: f"{e['channel']} is online",
    "storage_error": lambda e: f"not stored: {e['reason']}",
    "media_restarted": lambda e: f"the media process was restarted: {e['reason']}",
}
"""Events as sentences; those that nobody wants to read are not in it."""
