"""A recorder (NVR) at the engine's ONVIF device: the rule that it makes is a rule of the engine."""

from __future__ import annotations

import time

import pytest
from real_processes import START_S, Api, wait_for

from clients.client_site import PLAY_S, ClientSite
from demo.site import OVERVIEW
from onvif_server.tokens import analytics_configuration

pytestmark = [pytest.mark.ledger("ONVIF-3"), pytest.mark.timeout(300)]


def rules(api: Api) -> dict[str, str]:
    """Name to id."""
    return {rule["name"]: rule["id"] for rule in api.get("rules")["rules"]}


def test_a_rule_made_by_a_recorder_fires_is_kept_and_goes_with_it(site: ClientSite) -> None:
    token = analytics_configuration(OVERVIEW)
    began = time.time()
    site.recorder.call(
        f"<tan:CreateRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken>"
        '<tan:Rule Name="Anybody" Type="tt:ObjectDetection"><tt:Parameters>'
        '<tt:SimpleItem Name="ClassFilter" Value="Human"/></tt:Parameters></tan:Rule></tan:CreateRules>'
    )
    rule_id = rules(site.api)["Anybody"]
    assert "Anybody" in site.engine.site.read_text()
    wait_for(
        lambda: any(one["rule_id"] == rule_id for one in site.api.events("rule_triggered", began)),
        "the recorder's rule fires",
        PLAY_S,
    )
    told = site.recorder.call(f"<tan:GetRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken></tan:GetRules>")
    assert "Anybody" in {element.get("Name") for element in told.iter("{*}Rule")}
    site.recorder.call(
        f"<tan:DeleteRules><tan:ConfigurationToken>{token}</tan:ConfigurationToken>"
        "<tan:RuleName>Anybody</tan:RuleName></tan:DeleteRules>"
    )
    assert "Anybody" not in rules(site.api)
    assert "Anybody" not in site.engine.site.read_text()


def test_a_reboot_ordered_by_a_recorder_starts_the_engine_anew(site: ClientSite) -> None:
    before = site.api.get("info")["instance_id"]
    site.recorder.call("<tds:SystemReboot/>")

    def away() -> bool:
        try:
            site.api.get("info")
        except OSError:
            return True
        return False

    wait_for(away, "the engine goes down", 30.0)

    def back() -> bool:
        try:
            site.recorder.call("<tds:GetScopes/>")
        except OSError:
            return False
        return True

    wait_for(back, "the engine is back", START_S)
    assert site.api.get("info")["instance_id"] == before
