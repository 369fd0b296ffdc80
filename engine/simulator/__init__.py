"""A site made of nothing: a world, an overview and a PTZ camera that speak real ONVIF and real RTSP, and the truth."""
