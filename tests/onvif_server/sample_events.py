"""A right request for each operation of the events service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {
    "tev:GetServiceCapabilities": "",
    "tev:GetEventProperties": "",
    "tev:CreatePullPointSubscription": "",
    "tev:PullMessages": "<tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>",
    "tev:SetSynchronizationPoint": "",
    "wsnt:Renew": "<wsnt:TerminationTime>PT60S</wsnt:TerminationTime>",
    "wsnt:Unsubscribe": "",
}
