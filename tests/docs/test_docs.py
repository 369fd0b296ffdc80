"""What the documentation says is so: its links, site files, keys, commands, calls, actions, figures and messages."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
import voluptuous as vol
import yaml

from engine.access.events import IllegalLogin
from engine.api.application import OPERATIONS
from engine.app import command_line
from engine.config import load_site
from engine.config.validators import SITE_SCHEMA
from engine.core.events import Event
from engine.vision.catalogue import built_in_catalogue

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "THIRD_PARTY.md")] + sorted(
    DOCS.glob("*.md")
)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^( *)```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
            if match[2] == language:
                code = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
                found.append(Block(page.name, text.count("\n", 0, match.start()) + 1, language, code))
    assert found
    return found


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table after a heading, without their head."""
    section = (DOCS / page).read_text().split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\|\n)+", section, re.MULTILINE)
    assert rows is not None
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[0].splitlines()[2:]]


# --- the pages themselves -----------------------------------------------------------------------------------------


def slugs(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_link_and_picture_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in slugs(file), target


@pages
def test_nothing_is_claimed_that_needs_a_membership_and_no_machine_is_named(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"onvif[- ]conformant|conformant (with|to) onvif", text, re.IGNORECASE)
    assert not re.search(r"/root/|/home/[a-z]|/tmp/", text)


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text() + (ROOT / "README.md").read_text()
    for page in DOCS.glob("0*.md"):
        assert index.count(page.name) >= 2, page.name


# --- the site file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [one for one in blocks("yaml") if one.text.startswith("# site\n")], ids=str)
def test_a_site_file_of_the_docs_can_be_used(block: Block, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.yaml"
    secrets.touch(mode=0o600)
    secrets.write_text("".join(f"{name}: x\n" for name in sorted(set(re.findall(r"!secret (\w+)", block.text)))))
    site = tmp_path / "site.yaml"
    site.write_text(block.text)
    load_site(site)


@pytest.mark.parametrize(
    "block",
    [one for one in blocks("yaml") if re.match(r"(api|relay|onvif|links|rules):", one.text)],
    ids=str,
)
def test_a_part_of_a_site_file_fits_into_one(block: Block, tmp_path: Path) -> None:
    whole = """\
version: 1
cameras:
  - {id: wall, driver: onvif, address: 192.0.2.1, channels: [{id: yard, role: overview}, {id: dome, role: ptz}]}
"""
    site = tmp_path / "site.yaml"
    site.write_text(whole + block.text)
    load_site(site)


@dataclass(frozen=True)
class Key:
    marker: vol.Marker
    check: Callable[[Any], Any]

    @property
    def default(self) -> str:
        if isinstance(self.marker, vol.Required):
            return "required"
        value = self.marker.default()
        if value is None or value == []:
            return "none"
        if isinstance(value, dict):
            return "see below"
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, int | float) else plain(str(value))


def plain(text: str) -> str:
    """Lists as people write them."""
    text = re.sub(r"\.0(?=[,\]])", "", text.replace("'", ""))
    return text[1:-1] if re.fullmatch(r"\[\w+\]", text) else text


def parts_of(check: Any) -> Iterator[Any]:
    """What a check is made of, through voluptuous' wrappers and our own closures."""
    yield check
    if isinstance(check, vol.All):
        inner = list(check.validators)
    elif isinstance(check, vol.Schema):
        inner = [check.schema]
    elif isinstance(check, list):
        inner = check
    else:
        inner = [cell.cell_contents for cell in getattr(check, "__closure__", None) or ()]
        inner = [one for one in inner if isinstance(one, vol.All | vol.Schema)]
    for one in inner:
        yield from parts_of(one)


def keys(check: Any, path: str = "") -> Iterator[tuple[str, Key]]:
    """Every key of the schema by its path; `[]` stands for the entries of a list."""
    parts = list(parts_of(check))
    groups = [part for part in parts if isinstance(part, dict)]
    for group in groups[:1]:
        listed = any(isinstance(part, list) for part in parts[: parts.index(group)])
        prefix = f"{path}{'[]' if listed else ''}." if path else ""
        for marker, inner in group.items():
            yield f"{prefix}{marker.schema}", Key(marker, vol.Schema(inner))
            yield from keys(inner, f"{prefix}{marker.schema}")


def documented() -> dict[str, list[str]]:
    text = (DOCS / "04-site-file.md").read_text()
    found = {}
    for heading in re.findall(r"^## .*$", text, re.MULTILINE):
        path = re.sub(r"^## `?|`$", "", heading)
        for key, *rest in table("04-site-file.md", heading):
            name = key.strip("`| ")
            found[name if path == "Top level" else f"{path}.{name}"] = rest
    return found


KEYS = dict(keys(SITE_SCHEMA))


def test_every_key_of_the_site_file_is_documented_and_no_other() -> None:
    assert len(KEYS) > 60
    assert KEYS.keys() == documented().keys()


def test_the_documented_defaults_are_true() -> None:
    assert {path: key.default for path, key in KEYS.items()} == {path: row[0] for path, row in documented().items()}


def accepts(key: Key, value: Any) -> bool:
    try:
        key.check(value)
    except vol.Invalid:
        return False
    return True


@pytest.mark.parametrize("path", sorted(KEYS))
def test_the_documented_range_is_true(path: str) -> None:
    key, said = KEYS[path], documented()[path][1]
    if match := re.fullmatch(r"(-?[\d.]+) to ([\d.]+)", said):
        low, high = (float(end) if "." in end else int(end) for end in match.groups())
        step = 1 if isinstance(low, int) and isinstance(high, int) else 0.001
        assert accepts(key, low)
        assert accepts(key, high)
        assert not accepts(key, low - step)
        assert not accepts(key, high + step)
    elif match := re.fullmatch(r"two from (-?\d+) to (\d+)", said):
        low, high = map(int, match.groups())
        assert accepts(key, [low, high])
        assert not accepts(key, [low - 1, high])
        assert not accepts(key, [low, high + 1])
    elif match := re.fullmatch(r"one of (.*)", said):
        assert all(accepts(key, word) for word in match[1].split(", "))
        assert f"expected one of {match[1]}" in refusal(key, "nonsense")
    elif match := re.fullmatch(r"list of (\d+) to (\d+)", said):
        assert f"expected a list of {match[1]} to {match[2]} " in refusal(key, "nonsense")
    else:
        expected = {"text": "a text", "id": "an id", "true or false": "true or false", "group": "a group of keys"}
        assert f"expected {expected.get(said, 'a list of 2 to 100 points')}" in refusal(key, 7)


def refusal(key: Key, value: Any) -> str:
    with pytest.raises(vol.Invalid) as caught:
        key.check(value)
    return str(caught.value)


# --- commands -------------------------------------------------------------------------------------------------------


def command_lines(program: str) -> list[tuple[str, list[str]]]:
    found = []
    for block in blocks("sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and Path(words[0]).name == program:
                found.append((str(block), words[1:]))
    return found


def subcommand(name: str) -> argparse.ArgumentParser:
    parser = command_line._parser()
    action = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    found: argparse.ArgumentParser = action.choices[name]
    return found


def test_every_command_of_the_docs_can_be_given() -> None:
    lines = command_lines("smart-ptz")
    for place, words in lines:
        if {"--help", "--version"} & set(words):
            with pytest.raises(SystemExit) as end:
                command_line._parser().parse_args(words)
            assert end.value.code == 0, place
        else:
            command_line._parser().parse_args(words)
    assert {words[0] for _, words in lines} >= {"run", "check", "analyze", "models", "reset-password"}


def test_the_options_of_analyze_are_documented() -> None:
    options = {word for action in subcommand("analyze")._actions for word in action.option_strings}
    rows = (DOCS / "07-analyze.md").read_text()
    assert {word for word in options if word not in {"-h", "--help"}} == set(
        re.findall(r"^\| `(--\w+)", rows, re.MULTILINE)
    )


def test_the_options_of_the_demo_are_documented() -> None:
    options = set(re.findall(r'"(--[\w-]+)"', (ROOT / "demo" / "__main__.py").read_text()))
    assert options == set(re.findall(r"^\| `(--[\w-]+)", (DOCS / "09-demo.md").read_text(), re.MULTILINE))


def test_the_scripts_of_the_docs_exist() -> None:
    for page in PAGES:
        for script in re.findall(r"\bscripts/(\w[\w/-]*)", page.read_text()):
            assert (ROOT / "scripts" / script).exists(), f"{page.name}: scripts/{script}"


def test_the_figures_of_the_report_are_documented() -> None:
    from demo.report import Report

    named = {name for row in table("09-demo.md", "## The report") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == {field.name for field in fields(Report)}


def test_the_models_are_documented() -> None:
    models = built_in_catalogue().models
    rows = {row[0].strip("`| "): row[2] for row in table("07-analyze.md", "## Models")}
    assert rows == {name: model.licence for name, model in models.items()}


# --- the API --------------------------------------------------------------------------------------------------------


def operation_for(method: str, path: str) -> Any:
    for each in OPERATIONS:
        if each.method == method and re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", each.path), path):
            return each
    raise AssertionError(f"there is no {method} {path}")


def test_every_call_of_the_docs_exists_and_its_body_is_accepted() -> None:
    calls = command_lines("curl")
    # A call whose answer goes through a pipe or into a variable too.
    for block in blocks("sh"):
        for text in re.findall(r"\$\((curl.*?) \|", block.text.replace("\\\n", " "), re.DOTALL):
            calls.append((str(block), shlex.split(text)[1:]))
    checked = 0
    for place, words in calls:
        url = next((word for word in words if "$API" in word or "/api/v1" in word), None)
        assert url, (place, words)
        path = re.sub(r"^(\$API|http://127\.0\.0\.1:8765/api/v1)", "/api/v1", url).partition("?")[0]
        body = words[words.index("-d") + 1] if "-d" in words else None
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
        each = operation_for(method, path)
        if body is not None:
            assert each.body is not None, place
            msgspec.json.decode(body.encode(), type=each.body)
        checked += 1
    assert checked > 25


@pages
def test_every_path_that_is_named_exists(page: Path) -> None:
    for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/api/v1/[\w/{}.-]+)", page.read_text()):
        operation_for(method, path)


def test_every_kind_of_event_is_documented() -> None:
    def all_of(kind: type[Event]) -> set[type[Event]]:
        return {kind}.union(*(all_of(one) for one in kind.__subclasses__()))

    own = {one for one in all_of(Event) if one.__module__ in {Event.__module__, IllegalLogin.__module__}} - {Event}
    kinds = {re.sub(r"(?<!^)(?=[A-Z])", "_", one.__name__).lower() for one in own}
    text = (DOCS / "05-api.md").read_text()
    named = re.search(r"Kinds of events: (.*?)\.\n", text, re.DOTALL)
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named[1])) == kinds


def test_every_message_of_the_websocket_is_documented() -> None:
    from engine.api.messages.websocket import ClientMessage, ServerMessage

    rows = table("05-api.md", "## The WebSocket")
    tags = {member.__struct_config__.tag for member in ServerMessage.__value__.__args__}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == tags
    own = [block for block in blocks("json") if '"type"' in block.text]
    assert {type(msgspec.json.decode(one.text, type=ClientMessage)) for one in own} == set(
        ClientMessage.__value__.__args__
    )


# --- Home Assistant -------------------------------------------------------------------------------------------------


def actions_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if str(value.get("action", "")).startswith("smart_ptz."):
            yield value
        for one in value.values():
            yield from actions_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from actions_in(one)


def test_the_actions_of_the_docs_are_real_and_all_are_shown() -> None:
    services = yaml.safe_load((ROOT / "custom_components" / "smart_ptz" / "services.yaml").read_text())
    shown = set()
    for block in blocks("yaml"):
        if block.page != "03-home-assistant.md":
            continue
        for action in actions_in(yaml.safe_load(block.text)):
            name = action["action"].partition(".")[2]
            known = services[name].get("fields", {})
            data = action.get("data", {})
            assert data.keys() <= known.keys(), block
            assert {field for field, one in known.items() if one.get("required")} <= data.keys(), block
            shown.add(name)
    assert shown == services.keys()


def test_the_automations_of_the_docs_are_accepted_in_form() -> None:
    found = [yaml.safe_load(one.text) for one in blocks("yaml") if one.text.startswith("alias:")]
    assert len(found) == 2
    for automation in found:
        assert automation.keys() <= {"alias", "triggers", "conditions", "actions", "mode"}
        assert automation["triggers"]
        assert automation["actions"]


def test_the_fields_of_the_set_up_are_documented() -> None:
    texts = json.loads((ROOT / "custom_components" / "smart_ptz" / "translations" / "en.json").read_text())
    rows = {name for row in table("03-home-assistant.md", "## Install") for name in row[0].strip("| ").split(", ")}
    named = set(texts["config"]["step"]["user"]["data"].values())
    assert {name.casefold() for name in rows} == {name.casefold() for name in named}


def test_the_messages_of_the_integration_are_quoted_right() -> None:
    texts = json.loads((ROOT / "custom_components" / "smart_ptz" / "translations" / "en.json").read_text())
    errors = " ".join(texts["config"]["error"].values())
    for row in table("08-troubleshooting.md", "## Home Assistant"):
        for quoted in re.findall(r"\*(.*?)\*", row[0]):
            assert quoted.rstrip("…") in errors


# --- ONVIF ----------------------------------------------------------------------------------------------------------


def test_the_operations_of_the_onvif_device_are_documented() -> None:
    titles = {"Device": "DEVICE", "Media": "MEDIA", "Media2": "MEDIA2", "PTZ": "PTZ", "Imaging": "IMAGING"}
    titles |= {"Events": "EVENTS", "Analytics": "ANALYTICS", "Device IO": "DEVICE_IO"}
    real: dict[str, list[str]] = {}
    for source in sorted((ROOT / "onvif_server" / "services").glob("*.py")):
        for namespace, name in re.findall(r'@operation\(\s*names\.(\w+), "(\w+)"', source.read_text()):
            # The subscription manager's operations belong to the event service.
            real.setdefault("EVENTS" if namespace == "NOTIFICATION" else namespace, []).append(name)
        for name in re.findall(r'@shared_operation\("(\w+)"', source.read_text()):
            for namespace in ("MEDIA", "MEDIA2"):
                real.setdefault(namespace, []).append(name)
    for service, listed, *_ in table("06-onvif.md", "## Operations"):
        assert sorted(listed.split(", ")) == sorted(real.pop(titles[service.strip("| ")])), service
    assert not real


def test_the_topics_of_the_onvif_device_are_documented() -> None:
    from engine.onvif_device.events import TOPICS
    from onvif_server.events.topics import LIBRARY_MEDIA
    from onvif_server.services.ptz import TOPICS as PTZ_TOPICS

    named = {re.findall(r"`(.*?)`", row[0])[0] for row in table("06-onvif.md", "## Events")}
    assert named == {topic.path for topic in (*TOPICS, *PTZ_TOPICS, *LIBRARY_MEDIA)}


def test_the_tests_of_the_profiles_features_are_there() -> None:
    named = re.findall(r"`((?:tests/)?[\w/]+\.py)::(\w+)`", (DOCS / "onvif.md").read_text())
    assert len(named) > 60
    for file, name in named:
        path = ROOT / file if file.startswith("tests/") else ROOT / "tests" / "onvif_server" / file
        assert re.search(rf"\bdef {name}\(", path.read_text()), f"{file}::{name}"


# --- messages -------------------------------------------------------------------------------------------------------


def test_the_messages_of_the_engine_are_quoted_right() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "engine").rglob("*.py")))
    # Strings that are written in several parts read as one.
    source = re.sub(r'"\n\s*f?"', "", source)
    for row in table("08-troubleshooting.md", "## At the start"):
        for quoted in re.findall(r"`(.*?)`", row[0]):
            for piece in re.split(r"…|^site\.yaml:26: cameras\[1\]|\.role: ", quoted):
                assert piece.strip("; ") in source, (quoted, piece)
