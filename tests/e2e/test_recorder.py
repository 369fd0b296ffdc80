"""A recorder (NVR) at the engine's ONVIF device: the rule that it makes is a rule of the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_processes import START_S, Api, Engine, Simulator, free_ports, wait_for
from recorder import PASSWORD, USER, Recorder

from demo.site import OVERVIEW, Ports, write_site
from onvif_server.tokens import analytics_configuration

pytestmark = pytest.mark.ledger("ONVIF-3")


@dataclass(frozen=True, slots=True)
class Place:
    api: Api
    recorder: Recorder
    site: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, models: dict[str, str]) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("recorder")
    simulator = Simulator(folder / "simulator")
    engine: Engine | None = None
    try:
        simulator.switch_on()
        ports = Ports(*free_ports(3), home_assistant=0)
        site = write_site(folder / "site", simulator.note, ports)
        engine = Engine(site, ports.api, models)
        engine.activate()
        engine.api.post("device-users", {"username": USER, "password": PASSWORD, "role": "administrator"})
        recorder = Recorder(f"http://127.0.0.1:{ports.onvif}/onvif/device_service")

        def serves() -> bool:
            try:
                recorder.call("<tds:GetScopes/>")
            except OSError:
                return False
            return True

        wait_for(serves, "the ONVIF device answers", START_S)
        yield Place(engine.api, recorder, site)
        assert engine.process.end() == 0
    finally:
        if engine is not None:
            engine.process.kill()
        simulator.cut_power()


def rules(api: Api) -> dict[str, str]:
    """Name to id."""
    return {rule["name"]: rule["id"] for rule in api.get("rules")["rules"]}


def test_a_rule_made_by_a_recorder_fires_is_kept_and_goes_with_it(place: Place) -> None:
    token = analytics_configuration(OVERVIEW)
    began = time.time()
    place.recorder.call(
        f"<tan:CreateRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken>"
        '<tan:Rule Name="Anybody" Type="tt:ObjectDetection"><tt:Parameters>'
        '<tt:SimpleItem Name="ClassFilter" Value="Human"/></tt:Parameters></tan:Rule></tan:CreateRules>'
    )
    rule_id = rules(place.api)["Anybody"]
    assert "Anybody" in place.site.read_text()
    wait_for(
        lambda: any(one["rule_id"] == rule_id for one in place.api.events("rule_triggered", began)),
        "the recorder's rule fires",
        90.0,
    )
    told = place.recorder.call(f"<tan:GetRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken></tan:GetRules>")
    assert "Anybody" in {element.get("Name") for element in told.iter("{*}Rule")}
    place.recorder.call(
        f"<tan:DeleteRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken>"
        "<tan:RuleName>Anybody</tan:RuleName></tan:DeleteRules>"
    )
    assert "Anybody" not in rules(place.api)
    assert "Anybody" not in place.site.read_text()


def test_a_reboot_ordered_by_a_recorder_starts_the_engine_anew(place: Place) -> None:
    before = place.api.get("info")["instance_id"]
    place.recorder.call("<tds:SystemReboot/>")

    def away() -> bool:
        try:
            place.api.get("info")
        except OSError:
            return True
        return False

    wait_for(away, "the engine goes down", 30.0)

    def back() -> bool:
        try:
            place.recorder.call("<tds:GetScopes/>")
        except OSError:
            return False
        return True

    wait_for(back, "the engine is back", START_S)
    assert place.api.get("info")["instance_id"] == before
