"""A right request for each operation of the ptz service."""

from __future__ import annotations

DOME = "dome-profile"

REQUESTS: dict[str, str] = {
    "tptz:GetServiceCapabilities": "",
    "tptz:GetNodes": "",
    "tptz:GetNode": "<tptz:NodeToken>dome-ptz-node</tptz:NodeToken>",
    "tptz:GetConfigurations": "",
    "tptz:GetConfiguration": "<tptz:PTZConfigurationToken>dome-ptz-config</tptz:PTZConfigurationToken>",
    "tptz:GetCompatibleConfigurations": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GetConfigurationOptions": "<tptz:ConfigurationToken>dome-ptz-config</tptz:ConfigurationToken>",
    "tptz:GetStatus": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:AbsoluteMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Position><tt:PanTilt x="0" y="0"/></tptz:Position>'
    ),
    "tptz:RelativeMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Translation><tt:Zoom x="0.1"/></tptz:Translation>'
    ),
    "tptz:ContinuousMove": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Velocity><tt:PanTilt x="1" y="0"/></tptz:Velocity>'
    ),
    "tptz:Stop": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:SetPreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetName>Gate</tptz:PresetName>",
    "tptz:GetPresets": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GotoPreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetToken>p1</tptz:PresetToken>",
    "tptz:RemovePreset": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetToken>p1</tptz:PresetToken>",
    "tptz:GotoHomePosition": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:SetHomePosition": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
}
