"""A channel's tt:VideoAnalyticsConfiguration, as the media services show it."""

from __future__ import annotations

from onvif_server import tokens
from onvif_server.analytics.configs import config_values
from onvif_server.analytics.modules import ModuleMemory, write_module
from onvif_server.analytics.rules import write_rule
from onvif_server.backend import Backend, VideoChannel
from onvif_server.soap.operations import Values


def analytics_configuration_values(
    backend: Backend, modules: ModuleMemory, channel: VideoChannel, use_count: int = 1
) -> Values | None:
    """The configuration with its modules and rules as they are now; None if the channel has no analytics."""
    analytics = backend.analytics(channel.token)
    if analytics is None:
        return None
    return {
        "token": tokens.analytics_configuration(channel.token),
        "Name": channel.name,
        "UseCount": use_count,
        "AnalyticsEngineConfiguration": {
            "AnalyticsModule": [config_values(write_module(one)) for one in modules.of(channel.token)]
        },
        "RuleEngineConfiguration": {"Rule": [config_values(write_rule(one)) for one in analytics.rules()]},
    }
