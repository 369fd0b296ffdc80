"""A right request for each operation of the analytics service."""

from __future__ import annotations

_TOKEN = "<tan:ConfigurationToken>yard-analytics-config</tan:ConfigurationToken>"
_FIELD = (
    '<tan:Rule Name="yard" Type="tt:FieldDetector"><tt:Parameters><tt:SimpleItem Name="ClassFilter" Value="Human"/>'
    '<tt:ElementItem Name="Field"><tt:Polygon><tt:Point x="-1" y="-1"/><tt:Point x="1" y="-1"/>'
    '<tt:Point x="0" y="0.5"/></tt:Polygon></tt:ElementItem></tt:Parameters></tan:Rule>'
)
_LINE = '<tan:Rule Name="gate" Type="tt:LineDetector"><tt:Parameters/></tan:Rule>'
_NEW_MODULE = '<tan:AnalyticsModule Name="cars" Type="osv:ObjectDetector"><tt:Parameters/></tan:AnalyticsModule>'
_MODULE = (
    '<tan:AnalyticsModule Name="ObjectDetector" Type="osv:ObjectDetector"><tt:Parameters>'
    '<tt:SimpleItem Name="ConfidenceLevel" Value="0.5"/></tt:Parameters></tan:AnalyticsModule>'
)

REQUESTS: dict[str, str] = {
    "tan:GetServiceCapabilities": "",
    "tan:GetSupportedRules": _TOKEN,
    "tan:GetRuleOptions": f"<tan:RuleType>tt:LineDetector</tan:RuleType>{_TOKEN}",
    "tan:GetRules": _TOKEN,
    "tan:CreateRules": f"{_TOKEN}{_FIELD}",
    "tan:ModifyRules": f"{_TOKEN}{_LINE}",
    "tan:DeleteRules": f"{_TOKEN}<tan:RuleName>gate</tan:RuleName>",
    "tan:GetSupportedAnalyticsModules": _TOKEN,
    "tan:GetAnalyticsModuleOptions": _TOKEN,
    "tan:GetAnalyticsModules": _TOKEN,
    "tan:CreateAnalyticsModules": f"{_TOKEN}{_NEW_MODULE}",
    "tan:ModifyAnalyticsModules": f"{_TOKEN}{_MODULE}",
    "tan:DeleteAnalyticsModules": f"{_TOKEN}<tan:AnalyticsModuleName>ObjectDetector</tan:AnalyticsModuleName>",
    "tan:GetSupportedMetadata": "<tan:Type>osv:ObjectDetector</tan:Type>",
}
