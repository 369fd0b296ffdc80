"""The ONVIF services: each a class whose methods are declared as operations."""
