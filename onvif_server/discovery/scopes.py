"""Whether a device has the scopes that somebody searches for (WS-Discovery 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from onvif_server.discovery.messages import DISCOVERY

RFC3986: Final = f"{DISCOVERY}/rfc3986"
RFC2396: Final = f"{DISCOVERY}/rfc2396"
"""The name that the rule had before ONVIF gave it the newer one."""
STRCMP0: Final = f"{DISCOVERY}/strcmp0"
NONE: Final = f"{DISCOVERY}/none"


def matches(wanted: Sequence[str], offered: Sequence[str], rule: str = "") -> bool:
    """Whether each wanted scope matches one of the offered by a rule ("": the default one, RFC 3986).

    No wanted scopes match always; a rule that we do not know matches nothing.
    """
    if rule == NONE:
        return not offered
    if not wanted:
        return True
    if rule == STRCMP0:
        return all(scope in offered for scope in wanted)
    if rule in ("", RFC3986, RFC2396):
        return all(any(_is_prefix(one, scope) for scope in offered) for one in wanted)
    return False


def _is_prefix(wanted: str, offered: str) -> bool:
    """Scheme and authority are equal but for case, and the path is the beginning of the other, segment by segment."""
    first, second = _parts(wanted), _parts(offered)
    if first is None or second is None or first[0] != second[0]:
        return False
    segments = first[1]
    return second[1][: len(segments)] == segments


def _parts(uri: str) -> tuple[tuple[str, str], list[str]] | None:
    """Scheme with authority, and the path's segments; None for what cannot be compared."""
    try:
        split = urlsplit(uri)
    except ValueError:
        return None
    path = split.path.removeprefix("/").removesuffix("/")
    segments = [unquote(segment) for segment in path.split("/")] if path else []
    if not split.scheme or "." in segments or ".." in segments:
        return None
    return (split.scheme.lower(), unquote(split.netloc).lower()), segments
