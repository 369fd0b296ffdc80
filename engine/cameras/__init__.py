"""What a camera can do, behind small protocols, and the drivers: ONVIF, RTSP-only, file."""
