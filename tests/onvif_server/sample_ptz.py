"""A right request for each operation of the ptz service."""

from __future__ import annotations

DOME = "dome-profile"
_TOUR = f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetTourToken>tour</tptz:PresetTourToken>"

REQUESTS: dict[str, str] = {
    "tptz:GetServiceCapabilities": "",
    "tptz:GetNodes": "",
    "tptz:GetNode": "<tptz:NodeToken>dome-ptz-node</tptz:NodeToken>",
    "tptz:GetConfigurations": "",
    "tptz:GetConfiguration": "<tptz:PTZConfigurationToken>dome-ptz-config</tptz:PTZConfigurationToken>",
    "tptz:GetCompatibleConfigurations": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GetConfigurationOptions": "<tptz:ConfigurationToken>dome-ptz-config</tptz:ConfigurationToken>",
    "tptz:SetConfiguration": (
        '<tptz:PTZConfiguration token="dome-ptz-config"><tt:Name>Dome</tt:Name><tt:UseCount>1</tt:UseCount>'
        "<tt:NodeToken>dome-ptz-node</tt:NodeToken></tptz:PTZConfiguration>"
        "<tptz:ForcePersistence>true</tptz:ForcePersistence>"
    ),
    "tptz:SendAuxiliaryCommand": (
        f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>"
    ),
    "tptz:GeoMove": f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:Target lon="7.5" lat="51.5"/>',
    "tptz:MoveAndStartTracking": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:GeoLocation lon="7.5" lat="51.5"/>'
    ),
    "tptz:GetPresetTours": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:GetPresetTour": f"{_TOUR}",
    "tptz:GetPresetTourOptions": f"{_TOUR}",
    "tptz:CreatePresetTour": f"<tptz:ProfileToken>{DOME}</tptz:ProfileToken>",
    "tptz:ModifyPresetTour": (
        f'<tptz:ProfileToken>{DOME}</tptz:ProfileToken><tptz:PresetTour token="tour"><tt:Name>Night</tt:Name>'
        "<tt:Status><tt:State>Idle</tt:State></tt:Status><tt:AutoStart>false</tt:AutoStart><tt:StartingCondition/>"
        "<tt:TourSpot><tt:PresetDetail><tt:Home>true</tt:Home></tt:PresetDetail><tt:StayTime>PT5S</tt:StayTime>"
        "</tt:TourSpot></tptz:PresetTour>"
    ),
    "tptz:OperatePresetTour": f"{_TOUR}<tptz:Operation>Start</tptz:Operation>",
    "tptz:RemovePresetTour": f"{_TOUR}",
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
