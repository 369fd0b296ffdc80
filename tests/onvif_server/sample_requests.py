"""A right request for every operation, and how to send it so that what it speaks of is there."""

from __future__ import annotations

import sample_analytics
import sample_device
import sample_device_io
import sample_events
import sample_imaging
import sample_media
import sample_media2
import sample_ptz
from onvif_soap_client import DEVICE_PATH, Response, SoapClient

REQUESTS = {
    **sample_device.REQUESTS,
    **sample_media.REQUESTS,
    **sample_media2.REQUESTS,
    **sample_ptz.REQUESTS,
    **sample_events.REQUESTS,
    **sample_device_io.REQUESTS,
    **sample_imaging.REQUESTS,
    **sample_analytics.REQUESTS,
}
TO_SUBSCRIPTIONS = ("tev:PullMessages", "tev:SetSynchronizationPoint", "wsnt:Renew", "wsnt:Unsubscribe")


def body(name: str) -> str:
    """The sample of an operation as the body of an envelope."""
    return f"<{name}>{REQUESTS[name]}</{name}>"


SPARE_PROFILE = "<trt:CreateProfile><trt:Name>Spare</trt:Name><trt:Token>spare</trt:Token></trt:CreateProfile>"


async def send_sample(client: SoapClient, name: str) -> Response:
    """Makes what the sample asks for, and sends it."""
    path = DEVICE_PATH
    if name in TO_SUBSCRIPTIONS:
        path = (await client.call("<tev:CreatePullPointSubscription/>")).texts("Address")[0]
    if "p1" in REQUESTS[name]:
        await client.call(body("tptz:SetPreset"))
    if "spare" in REQUESTS[name]:
        await client.call(SPARE_PROFILE)
    if name == "tev:DeleteEventBroker":
        await client.call(body("tev:AddEventBroker"))
    return await client.call(body(name), path)
