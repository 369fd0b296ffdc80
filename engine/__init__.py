"""The Smart PTZ engine: overview cameras see, PTZ cameras look closer."""

__version__ = "0.1.0"
