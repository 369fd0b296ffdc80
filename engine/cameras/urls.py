"""The addresses of cameras: as people write them, and as cameras name their own services."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def device_url(address: str) -> str:
    """The address of the device service for what a person writes: `host`, `host:port`, or a whole URL.

    Raises ValueError for anything else.
    """
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{address!r} is not a host, a host:port, or an http(s) URL")
    host = parts.netloc.rpartition("@")[2]
    if parts.port is not None and not 0 < parts.port < 65536:
        raise ValueError(f"{address!r} has an impossible port")
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/") or "/onvif/device_service", "", ""))


def reachable_url(url: str, base: str) -> str:
    """A URL that the camera named, without credentials, and at the host by which we reach the camera.

    Cameras behind address translation, or with two network cards, name addresses that we cannot reach. Where the host
    differs from `base`'s, host and (for the same scheme) port are replaced.
    """
    parts, base_parts = urlsplit(url.strip()), urlsplit(base)
    # A camera may name services of its own, never files of ours.
    if parts.scheme not in {"http", "https", "rtsp", "rtsps"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an address of a camera")
    netloc = parts.netloc.rpartition("@")[2]
    if parts.hostname != base_parts.hostname:
        host = base_parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = base_parts.port if parts.scheme == base_parts.scheme else parts.port
        netloc = f"{host}:{port}" if port else host
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
