"""A right request for each operation of the device service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {
    "tds:GetServices": "<tds:IncludeCapability>true</tds:IncludeCapability>",
    "tds:GetServiceCapabilities": "",
    "tds:GetCapabilities": "<tds:Category>All</tds:Category>",
    "tds:GetDeviceInformation": "",
    "tds:GetSystemDateAndTime": "",
    "tds:SetSystemDateAndTime": (
        "<tds:DateTimeType>NTP</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
    ),
    "tds:GetScopes": "",
    "tds:GetDiscoveryMode": "",
    "tds:GetHostname": "",
    "tds:GetNetworkInterfaces": "",
    "tds:GetNetworkProtocols": "",
    "tds:GetUsers": "",
    "tds:GetWsdlUrl": "",
    "tds:GetEndpointReference": "",
}
