"""Clients of the engine's ONVIF device. A package, so that what runs for them ends with them."""
