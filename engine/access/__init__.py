"""Who may: activation, users, tokens, lockout, and the users of ONVIF and RTSP."""

from engine.access.access import Access, AccessSettings, Identity
from engine.access.device_users import DeviceUser, DeviceUsers
from engine.access.errors import AccessError
from engine.access.roles import Role

__all__ = ["Access", "AccessError", "AccessSettings", "DeviceUser", "DeviceUsers", "Identity", "Role"]
