"""The host's refusals as faults, for the services that have no table of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from onvif_server.backend import Refusal, Refused
from onvif_server.soap.faults import Fault

type Special = Mapping[Refusal, tuple[str, str]]
"""The two subcodes that an operation has for a refusal; the first tells whose mistake it was."""

_RECEIVERS = ("Action", "ActionNotSupported")


def fault_of(refused: Refused, special: Special) -> Fault:
    """The fault that tells a client of a refusal: the operation's own, or the general one."""
    subcodes: tuple[str, ...]
    match refused.refusal:
        case refusal if refusal in special:
            subcodes = special[refusal]
        case Refusal.NOT_SUPPORTED:
            subcodes = ("ActionNotSupported",)
        case Refusal.NOT_ALLOWED:
            subcodes = ("OperationProhibited",)
        case Refusal.INVALID | Refusal.NOT_FOUND | Refusal.EXISTS:
            subcodes = ("InvalidArgVal",)
        case _:
            subcodes = ("Action",)
    return Fault(*subcodes, reason=refused.detail, sender=subcodes[0] not in _RECEIVERS)


@contextmanager
def as_faults(special: Special | None = None) -> Iterator[None]:
    """Turns refusals inside into faults, and a memory that cannot be written into the device's failure."""
    try:
        yield
    except Refused as refused:
        raise fault_of(refused, special or {}) from refused
    except OSError as error:
        raise Fault("Action", reason="the device cannot keep the change", sender=False) from error
