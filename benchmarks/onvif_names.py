"""What the device of the ONVIF benchmark and its clients both know. Imports nothing: the device's start is timed."""

from __future__ import annotations

FIXED, MOVING = "yard", "dome"
"""The device's channels."""
EVENTS = 1000
"""That SIGUSR1 makes the device publish; a pull point keeps as many."""
DEVICE_VARIABLE = "BENCHMARK_DEVICE"
LOAD_VARIABLE = "BENCHMARK_LOAD"
ENGINE_VARIABLE = "BENCHMARK_ENGINE"
"""Where orders for the processes are found."""
PREFIXES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}
