"""Rules and analytics modules as ONVIF writes them (ONVIF Analytics, chapter 6 and annexes)."""
