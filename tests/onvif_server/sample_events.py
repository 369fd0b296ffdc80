"""A right request for each operation of the events service."""

from __future__ import annotations

REQUESTS: dict[str, str] = {
    "tev:GetServiceCapabilities": "",
    "tev:GetEventProperties": "",
    "tev:CreatePullPointSubscription": "",
    "tev:PullMessages": "<tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>",
    "tev:SetSynchronizationPoint": "",
    "tev:AddEventBroker": (
        "<tev:EventBroker><tev:Address>mqtt://127.0.0.1:9</tev:Address><tev:TopicPrefix>yard</tev:TopicPrefix>"
        "</tev:EventBroker>"
    ),
    "tev:DeleteEventBroker": "<tev:Address>mqtt://127.0.0.1:9</tev:Address>",
    "tev:GetEventBrokers": "",
    "wsnt:Subscribe": (
        "<wsnt:ConsumerReference><wsa:Address>http://127.0.0.1:9/</wsa:Address></wsnt:ConsumerReference>"
    ),
    "wsnt:GetCurrentMessage": (
        '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        "tns1:PTZController/PTZPresetTours//.</wsnt:Topic>"
    ),
    "wsnt:Renew": "<wsnt:TerminationTime>PT60S</wsnt:TerminationTime>",
    "wsnt:Unsubscribe": "",
}
