"""A program on the library onvif-python, run with an environment of its own. Prints what it saw as JSON.

    python onvif_python_client.py PORT USER PASSWORD METHOD

METHOD is how it logs in: `digest` or `token`. Needs nothing but that library and what it needs itself.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from lxml import etree
from onvif import CacheMode, ONVIFClient

PATIENCE_S = 40.0
PULLS = 12
"""Of ten seconds each: the yard's play repeats every minute."""


def profiles(client: ONVIFClient) -> list[dict[str, Any]]:
    found = []
    media, media2 = client.media(), client.media2()
    for profile in media.GetProfiles():
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        encoder = profile.VideoEncoderConfiguration
        found.append(
            {
                "name": profile.Name,
                "token": profile.token,
                "ptz": profile.PTZConfiguration is not None,
                "size": [encoder.Resolution.Width, encoder.Resolution.Height],
                "stream": media.GetStreamUri(StreamSetup=setup, ProfileToken=profile.token).Uri,
                "snapshot": media.GetSnapshotUri(ProfileToken=profile.token).Uri,
                "stream2": str(media2.GetStreamUri(Protocol="RTSP", ProfileToken=profile.token)),
            }
        )
    return found


def move(client: ONVIFClient, profile: str) -> dict[str, Any]:
    """To the left by a stored position, and home again."""
    ptz = client.ptz()
    before = ptz.GetStatus(ProfileToken=profile).Position
    goal = {"PanTilt": {"x": before.PanTilt.x - 0.1, "y": before.PanTilt.y}}
    began = time.time()
    # Slowly, so that it is on its way when it is asked.
    ptz.AbsoluteMove(ProfileToken=profile, Position=goal, Speed={"PanTilt": {"x": 0.1, "y": 0.1}})
    until_it_is(ptz, profile, "MOVING")
    after = until_it_is(ptz, profile, "IDLE")
    token = ptz.SetPreset(ProfileToken=profile, PresetName="From afar")
    names = [preset.Name for preset in ptz.GetPresets(ProfileToken=profile)]
    ptz.RemovePreset(ProfileToken=profile, PresetToken=token)
    ptz.GotoHomePosition(ProfileToken=profile)
    return {"began": began, "moved": after.x - before.PanTilt.x, "goal": goal, "presets": names}


def until_it_is(ptz: Any, profile: str, move_status: str) -> Any:
    """Where the camera looks when its status is so for the first time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        status = ptz.GetStatus(ProfileToken=profile)
        if status.MoveStatus.PanTilt == move_status:
            return status.Position.PanTilt
    raise TimeoutError(f"the camera was never {move_status}")


def rules(client: ONVIFClient, configuration: str) -> dict[str, Any]:
    """Makes a rule, as a client does that does not care for prefixes, and takes it away."""
    engine = client.ruleengine()
    supported = [one.Name for one in engine.GetSupportedRules(ConfigurationToken=configuration).RuleDescription]
    made = {
        "Name": "Afar",
        "Type": "tt:ObjectDetection",
        "Parameters": {"SimpleItem": [{"Name": "ClassFilter", "Value": "Human"}]},
    }
    engine.CreateRules(ConfigurationToken=configuration, Rule=[made])
    present = {one.Name: str(one.Type) for one in engine.GetRules(ConfigurationToken=configuration)}
    engine.DeleteRules(ConfigurationToken=configuration, RuleName=["Afar"])
    left = [one.Name for one in engine.GetRules(ConfigurationToken=configuration)]
    return {"supported": supported, "present": present, "left": left}


def events(client: ONVIFClient) -> dict[str, list[str]]:
    """The topics, and the values of the first item, that come until somebody is told to be inside."""
    service = client.events()
    properties = service.GetEventProperties()
    reference = service.CreatePullPointSubscription(InitialTerminationTime="PT5M")
    pull_point = client.pullpoint(reference)
    heard: dict[str, list[str]] = {}
    for _ in range(PULLS):
        pull_point.PullMessages(Timeout="PT9S", MessageLimit=100)
        # The library drops the texts of topics: what came is read from the envelope that it keeps.
        envelope = etree.fromstring(client.xml_plugin.last_received_xml.encode())
        for message in envelope.iter("{*}NotificationMessage"):
            value = message.find("{*}Message/{*}Message/{*}Data/{*}SimpleItem").get("Value")
            heard.setdefault(message.findtext("{*}Topic"), []).append(value)
        if "true" in heard.get("tns1:RuleEngine/FieldDetector/ObjectsInside", ()):
            break
    pull_point.Unsubscribe()
    return heard | {"dialects": [str(one) for one in properties.TopicExpressionDialect]}


def main() -> None:
    port, user, password, method = sys.argv[1:]
    client = ONVIFClient(
        "127.0.0.1",
        int(port),
        user,
        password,
        http_digest=method == "digest",
        cache=CacheMode.MEM,
        capture_xml=True,
    )
    device = client.devicemgmt()
    found = profiles(client)
    told: dict[str, Any] = {
        "services": sorted(str(service.Namespace) for service in client.services),
        "model": device.GetDeviceInformation().Model,
        "scopes": [scope.ScopeItem for scope in device.GetScopes()],
        "profiles": found,
    }
    if method == "digest":
        configurations = client.media().GetVideoAnalyticsConfigurations()
        told["move"] = move(client, next(one["token"] for one in found if one["ptz"]))
        told["rules"] = rules(client, configurations[0].token)
        told["events"] = events(client)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
