"""Finds a model's file, or gets it. What comes out is always checked by SHA-256."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from engine.vision.catalogue import Catalogue, ModelSpec, built_in_catalogue
from engine.vision.fetch import FetchError, FetchProgress, ProgressCallback, describe, fetch

_LOGGER = logging.getLogger(__name__)

FOLDER_VARIABLE = "SMART_PTZ_MODELS"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One place where a model was looked for, and why it was not had from there."""

    place: str
    reason: str


class ModelUnavailableError(Exception):
    """A model could not be had. The message tells what was tried, why it failed, and what to do."""

    def __init__(self, model: ModelSpec, attempts: tuple[Attempt, ...]) -> None:
        self.model = model
        self.attempts = attempts
        tried = "\n".join(f"  - {attempt.place}: {attempt.reason}" for attempt in attempts)
        super().__init__(
            f"The model {model.name} ({model.title}) could not be had. Tried were:\n{tried}\n"
            f"What to do: let this machine reach one of these once; or, if it has no way out, get {model.file} "
            f"elsewhere ({model.size} bytes, SHA-256 {model.sha256}), put it into a folder, and start again with "
            f"{FOLDER_VARIABLE} set to that folder."
        )


def _silent(_: FetchProgress) -> None:
    """The progress callback of somebody who does not want to know."""


class ModelStore:
    """The models on this machine.

    `folder` is the user's own and is only read; `cache` is ours and is written. A file whose SHA-256 is not the
    catalogue's is refused: in the cache it is removed and fetched again, in the user's folder it is left alone.
    """

    def __init__(self, folder: Path | None, cache: Path, catalogue: Catalogue | None = None) -> None:
        self._folder = folder
        self._cache = cache
        self.catalogue = catalogue or built_in_catalogue()

    @classmethod
    def from_environment(cls) -> Self:
        """The store of this user: the folder that SMART_PTZ_MODELS names, and the user's cache folder."""
        named = os.environ.get(FOLDER_VARIABLE)
        return cls(Path(named).expanduser() if named else None, platformdirs.user_cache_path("smart-ptz") / "models")

    def ensure(self, name: str, progress: ProgressCallback = _silent) -> Path:
        """The path of the model's file, fetched if need be. Blocks (use a thread); safe in several processes at once.

        Raises UnknownModelError, ModelUnavailableError, and OSError when the cache cannot be written.
        """
        model = self.catalogue.model(name)
        attempts: list[Attempt] = []
        found = self._in_folder(model, attempts) or self._in_cache(model, attempts)
        return found or self._fetched(model, attempts, progress)

    def ensure_any(self, progress: ProgressCallback = _silent) -> tuple[ModelSpec, Path]:
        """The best model of the catalogue's automatic list that can be had: one that is there already comes first.

        Raises ModelUnavailableError, with what was tried for all of them.
        """
        models = [self.catalogue.model(name) for name in self.catalogue.automatic]
        for model in models:
            ignored: list[Attempt] = []
            if found := self._in_folder(model, ignored) or self._in_cache(model, ignored):
                return model, found
        attempts: list[Attempt] = []
        for model in models:
            try:
                return model, self.ensure(model.name, progress)
            except ModelUnavailableError as error:
                _LOGGER.info("The model %s cannot be had here; trying the next one", model.name)
                attempts += [Attempt(f"{model.name} from {item.place}", item.reason) for item in error.attempts]
        raise ModelUnavailableError(models[0], tuple(attempts))

    def _in_folder(self, model: ModelSpec, attempts: list[Attempt]) -> Path | None:
        if self._folder is None:
            attempts.append(Attempt(f"a folder of yours ({FOLDER_VARIABLE})", "it is not set"))
            return None
        path = self._folder / model.file
        reason = _fault(path, model)
        if reason is None:
            return path
        attempts.append(Attempt(f"your folder {self._folder} ({FOLDER_VARIABLE})", reason))
        if path.exists():
            _LOGGER.warning("%s is refused: %s", path, reason)
        return None

    def _in_cache(self, model: ModelSpec, attempts: list[Attempt]) -> Path | None:
        path = self._cache / model.file
        reason = _fault(path, model)
        if reason is None:
            return path
        if path.exists():
            _LOGGER.warning("%s is refused and removed: %s", path, reason)
            path.unlink(missing_ok=True)
        attempts.append(Attempt(f"the cache {self._cache}", reason))
        return None

    def _fetched(self, model: ModelSpec, attempts: list[Attempt], progress: ProgressCallback) -> Path:
        for route in model.routes:
            try:
                content = _checked(fetch(model, route, progress), model)
            except FetchError as error:
                attempts.append(Attempt(describe(route), str(error)))
                _LOGGER.info("The model %s was not had from %s: %s", model.name, describe(route), error)
                continue
            path = self._cache / model.file
            _write_atomically(path, content)
            _LOGGER.info("The model %s (%s) came from %s", model.name, model.licence, describe(route))
            return path
        raise ModelUnavailableError(model, tuple(attempts))


def _checked(content: bytes, model: ModelSpec) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    if digest != model.sha256:
        raise FetchError(f"what came has the SHA-256 {digest}, expected was {model.sha256}")
    return content


def _fault(path: Path, model: ModelSpec) -> str | None:
    """Why this file is not the model; None when it is."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return f"there is no {model.file}"
    except OSError as error:
        return f"{model.file} cannot be read: {error.strerror}"
    if digest == model.sha256:
        return None
    size = path.stat().st_size
    what = f"has {size} bytes of {model.size}" if size != model.size else "has been changed"
    return f"{model.file} {what}: its SHA-256 is {digest}, expected was {model.sha256}"


def _write_atomically(path: Path, content: bytes) -> None:
    """Either the whole file is there afterwards, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[ProgressCallback]:
    """A progress bar on the terminal (on standard error) for `ensure`; it appears with the first byte."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as bar:
        task = None

        def show(progress: FetchProgress) -> None:
            nonlocal task
            description = f"{progress.model}: {progress.step}"
            if task is None:
                task = bar.add_task(description, total=progress.total)
            bar.update(task, description=description, completed=progress.done, total=progress.total)

        yield show
