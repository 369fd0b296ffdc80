"""The device service's part about being found: scopes and discovery mode (ONVIF Core, 7.3 and 8.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from onvif_server.identity import FixedScope, Identity, NoSuchScope, TooManyScopes
from onvif_server.security.access import Access
from onvif_server.services.refusals import as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument
from onvif_server.soap.operations import Call, Values, operation

_MAXIMUM_LENGTH: Final = 512
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


class DeviceScopesService:
    """Scopes and discovery mode."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @operation(names.DEVICE, "GetScopes", Access.READ_SYSTEM)
    async def get_scopes(self, call: Call) -> Values:
        """What the device tells about itself to those who search."""
        fixed = [{"ScopeDef": "Fixed", "ScopeItem": scope} for scope in self._identity.fixed]
        return {
            "Scopes": [*fixed, *({"ScopeDef": "Configurable", "ScopeItem": s} for s in self._identity.configurable)]
        }

    @operation(names.DEVICE, "SetScopes", Access.WRITE_SYSTEM)
    async def set_scopes(self, call: Call) -> Values:
        """Replaces the configurable scopes."""
        scopes = _checked(call.value.Scopes)
        with as_faults():
            try:
                await self._identity.set_scopes(scopes)
            except FixedScope as error:
                raise Fault("OperationProhibited", "ScopeOverwrite", reason=str(error)) from error
            except TooManyScopes as error:
                raise _too_many(error) from error
        return {}

    @operation(names.DEVICE, "AddScopes", Access.WRITE_SYSTEM)
    async def add_scopes(self, call: Call) -> Values:
        """Adds configurable scopes."""
        scopes = _checked(call.value.ScopeItem)
        with as_faults():
            try:
                await self._identity.add_scopes(scopes)
            except TooManyScopes as error:
                raise _too_many(error) from error
        return {}

    @operation(names.DEVICE, "RemoveScopes", Access.WRITE_SYSTEM)
    async def remove_scopes(self, call: Call) -> Values:
        """Removes configurable scopes, and names them."""
        scopes = [str(scope) for scope in call.value.ScopeItem]
        with as_faults():
            try:
                await self._identity.remove_scopes(scopes)
            except FixedScope as error:
                raise Fault("OperationProhibited", "FixedScope", reason=str(error)) from error
            except NoSuchScope as error:
                raise invalid_argument("NoScope", str(error)) from error
        return {"ScopeItem": scopes}

    @operation(names.DEVICE, "GetDiscoveryMode", Access.READ_SYSTEM)
    async def get_discovery_mode(self, call: Call) -> Values:
        """Whether the device wants to be found."""
        return {"DiscoveryMode": "Discoverable" if self._identity.discoverable else "NonDiscoverable"}

    @operation(names.DEVICE, "SetDiscoveryMode", Access.WRITE_SYSTEM)
    async def set_discovery_mode(self, call: Call) -> Values:
        """Lets the device be found, or not any more."""
        with as_faults():
            await self._identity.set_discoverable(call.value.DiscoveryMode == "Discoverable")
        return {}


def _checked(scopes: Sequence[object]) -> list[str]:
    texts = [str(scope) for scope in scopes]
    for text in texts:
        if len(text) > _MAXIMUM_LENGTH or not _URI.fullmatch(text):
            raise Fault("InvalidArgVal", reason=f"a scope is an absolute URI of at most {_MAXIMUM_LENGTH} characters")
    return texts


def _too_many(error: TooManyScopes) -> Fault:
    return Fault("Action", "TooManyScopes", reason=str(error), sender=False)
