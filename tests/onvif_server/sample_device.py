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
    "tds:SystemReboot": "",
    "tds:SetSystemFactoryDefault": "<tds:FactoryDefault>Soft</tds:FactoryDefault>",
    "tds:GetSystemLog": "<tds:LogType>System</tds:LogType>",
    "tds:GetSystemSupportInformation": "",
    "tds:GetSystemUris": "",
    "tds:GetCertificates": "",
    "tds:GetCertificatesStatus": "",
    "tds:SendAuxiliaryCommand": "<tds:AuxiliaryCommand>tt:Wiper|On</tds:AuxiliaryCommand>",
    "tds:SetHostname": "<tds:Name>smart-ptz</tds:Name>",
    "tds:GetDNS": "",
    "tds:SetDNS": (
        "<tds:FromDHCP>false</tds:FromDHCP>"
        "<tds:DNSManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>192.0.2.53</tt:IPv4Address></tds:DNSManual>"
        "<tds:DNSManual><tt:Type>IPv6</tt:Type><tt:IPv6Address>2001:db8::53</tt:IPv6Address></tds:DNSManual>"
    ),
    "tds:GetNTP": "",
    "tds:SetNTP": (
        "<tds:FromDHCP>false</tds:FromDHCP>"
        "<tds:NTPManual><tt:Type>DNS</tt:Type><tt:DNSname>ntp.example.org</tt:DNSname></tds:NTPManual>"
        "<tds:NTPManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>192.0.2.123</tt:IPv4Address></tds:NTPManual>"
    ),
    "tds:GetNetworkDefaultGateway": "",
    "tds:SetNetworkDefaultGateway": (
        "<tds:IPv4Address>192.0.2.1</tds:IPv4Address><tds:IPv6Address>2001:db8::1</tds:IPv6Address>"
    ),
    "tds:SetNetworkInterfaces": (
        "<tds:InterfaceToken>lo</tds:InterfaceToken>"
        "<tds:NetworkInterface><tt:Enabled>true</tt:Enabled></tds:NetworkInterface>"
    ),
    "tds:SetNetworkProtocols": (
        "<tds:NetworkProtocols><tt:Name>RTSP</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>8554</tt:Port>"
        "</tds:NetworkProtocols>"
    ),
    "tds:SetScopes": "<tds:Scopes>onvif://www.onvif.org/location/north</tds:Scopes>",
    "tds:AddScopes": "<tds:ScopeItem>onvif://www.onvif.org/location/north</tds:ScopeItem>",
    "tds:RemoveScopes": ("<tds:ScopeItem>onvif://www.onvif.org/location/K%C3%A4sestra%C3%9Fe%201</tds:ScopeItem>"),
    "tds:SetDiscoveryMode": "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>",
    "tds:CreateUsers": (
        "<tds:User><tt:Username>new</tt:Username><tt:Password>long enough</tt:Password>"
        "<tt:UserLevel>User</tt:UserLevel></tds:User>"
    ),
    "tds:SetUser": ("<tds:User><tt:Username>viewer</tt:Username><tt:UserLevel>Operator</tt:UserLevel></tds:User>"),
    "tds:DeleteUsers": "<tds:Username>viewer</tds:Username>",
    "tds:GetRelayOutputs": "",
    "tds:SetRelayOutputSettings": (
        "<tds:RelayOutputToken>gate</tds:RelayOutputToken><tds:Properties><tt:Mode>Monostable</tt:Mode>"
        "<tt:DelayTime>PT3S</tt:DelayTime><tt:IdleState>closed</tt:IdleState></tds:Properties>"
    ),
    "tds:SetRelayOutputState": (
        "<tds:RelayOutputToken>gate</tds:RelayOutputToken><tds:LogicalState>active</tds:LogicalState>"
    ),
}
