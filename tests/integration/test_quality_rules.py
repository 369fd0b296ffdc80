"""What hassfest and the HACS validation check, since neither comes in a package."""

from __future__ import annotations

import ast
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.ledger("HA-8")

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "smart_ptz"

HACS_KEYS = {
    "content_in_root",
    "country",
    "filename",
    "hacs",
    "hide_default_branch",
    "homeassistant",
    "name",
    "persistent_directory",
    "render_readme",
    "zip_release",
}
RULES = 54


def read(name: str) -> Any:
    return json.loads((INTEGRATION / name).read_text())


@pytest.fixture(scope="module")
def manifest() -> Any:
    return read("manifest.json")


@pytest.fixture(scope="module")
def strings() -> Any:
    return read("translations/en.json")


@pytest.fixture(scope="module")
def services() -> Any:
    return yaml.safe_load((INTEGRATION / "services.yaml").read_text())


def source() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text()) for path in INTEGRATION.glob("*.py")}


def constants_given_as(names: set[str]) -> dict[str, set[str]]:
    """By module: the strings that are given as keyword arguments of these names, or assigned to these names."""
    found: dict[str, set[str]] = {}
    for module, tree in source().items():
        given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in names]
        assigned = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in names
        ]
        constants = [value.value for value in (*given, *assigned) if isinstance(value, ast.Constant)]
        found[module] = {value for value in constants if isinstance(value, str)}
    return found


def test_manifest_keys_are_complete_and_in_order(manifest: Any) -> None:
    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]
    needed = {"codeowners", "documentation", "domain", "issue_tracker", "name", "version"}
    assert needed <= manifest.keys()
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert manifest["domain"] == INTEGRATION.name
    assert manifest["config_flow"] is True
    assert manifest["integration_type"] == "hub"
    assert manifest["iot_class"] == "local_push"
    assert all(owner.startswith("@") for owner in manifest["codeowners"])


def test_version_is_that_of_the_engine(manifest: Any) -> None:
    assert f'\nversion = "{manifest["version"]}"\n' in (ROOT / "pyproject.toml").read_text()


def test_hacs_file_has_only_known_keys() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert "name" in hacs
    assert hacs.keys() <= HACS_KEYS
    assert not hacs.get("content_in_root", False)


def test_quality_scale_names_every_rule_and_says_why_not() -> None:
    rules = yaml.safe_load((INTEGRATION / "quality_scale.yaml").read_text())["rules"]
    assert len(rules) == RULES
    for name, rule in rules.items():
        status = rule if isinstance(rule, str) else rule["status"]
        assert status in {"done", "todo", "exempt"}, name
        assert status != "exempt" or rule["comment"], name


@pytest.mark.parametrize("prefix", ["", "dark_"])
def test_brand_pictures_have_the_prescribed_sizes(prefix: str) -> None:
    def size(name: str) -> tuple[int, int]:
        header = (INTEGRATION / "brand" / name).read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        return struct.unpack(">II", header[16:24])

    assert size(f"{prefix}icon.png") == (256, 256)
    assert size(f"{prefix}icon@2x.png") == (512, 512)
    assert 128 <= min(size(f"{prefix}logo.png")) <= 256
    assert 256 <= min(size(f"{prefix}logo@2x.png")) <= 512


def test_every_action_is_described_translated_and_has_an_icon(strings: Any, services: Any) -> None:
    from custom_components.smart_ptz.services import ACTIONS

    assert {action.name for action in ACTIONS} == services.keys() == strings["services"].keys()
    assert read("icons.json")["services"].keys() == services.keys()
    for name, service in services.items():
        texts = strings["services"][name]
        assert texts["name"], name
        assert texts["description"], name
        assert texts.get("fields", {}).keys() == service.get("fields", {}).keys(), name
        for field, text in texts.get("fields", {}).items():
            assert text["name"], field
            assert text["description"], field


def test_every_select_of_an_action_is_translated(strings: Any, services: Any) -> None:
    selects = [
        field["selector"]["select"]
        for service in services.values()
        for field in service.get("fields", {}).values()
        if "select" in field["selector"]
    ]
    assert {select["translation_key"] for select in selects} == strings["selector"].keys()
    for select in selects:
        assert set(select["options"]) == strings["selector"][select["translation_key"]]["options"].keys()


def test_every_entity_is_translated_and_nothing_else(strings: Any) -> None:
    used = constants_given_as({"translation_key", "_attr_translation_key"})
    for platform in strings["entity"]:
        keys = set(used[platform])
        if platform == "event":
            from custom_components.smart_ptz.event import EVENT_TYPES

            keys |= EVENT_TYPES.keys()
            for kind, types in EVENT_TYPES.items():
                states = strings["entity"]["event"][kind]["state_attributes"]["event_type"]["state"]
                assert set(types) == states.keys()
        elif platform == "camera":
            keys -= strings["exceptions"].keys()
        assert keys == strings["entity"][platform].keys(), platform


def test_icons_belong_to_entities(strings: Any) -> None:
    for platform, icons in read("icons.json")["entity"].items():
        assert icons.keys() <= strings["entity"][platform].keys()
        for icon in icons.values():
            assert icon["default"].startswith("mdi:")


def test_every_exception_is_translated_and_nothing_else(strings: Any) -> None:
    raised = set()
    for tree in source().values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            key = keywords.get("translation_key")
            if "translation_domain" in keywords and isinstance(key, ast.Constant):
                raised.add(key.value)
            if isinstance(node.func, ast.Attribute) and node.func.attr == "_invalid":
                raised.add(node.args[0].value)
    assert raised == strings["exceptions"].keys()


def test_every_form_field_is_explained(strings: Any) -> None:
    from custom_components.smart_ptz import config_flow

    forms = {
        "user": config_flow.USER_SCHEMA,
        "reconfigure": config_flow.RECONFIGURE_SCHEMA,
        "reauth_confirm": config_flow.REAUTH_SCHEMA,
    }
    assert forms.keys() == strings["config"]["step"].keys()
    for step, schema in forms.items():
        fields = {str(key) for key in schema.schema}
        assert fields == strings["config"]["step"][step]["data"].keys()
        assert fields == strings["config"]["step"][step]["data_description"].keys()


def test_every_error_and_abort_of_the_flow_is_translated(strings: Any) -> None:
    text = (INTEGRATION / "config_flow.py").read_text()
    errors = set(re.findall(r'errors\["base"\] = "(\w+)"', text))
    assert errors == strings["config"]["error"].keys()
    own = set(re.findall(r'reason="(\w+)"', text))
    of_core = {"already_configured", "reauth_successful", "reconfigure_successful"}
    assert own | of_core == strings["config"]["abort"].keys()


def test_platforms_say_how_many_updates_run_in_parallel() -> None:
    from custom_components.smart_ptz import PLATFORMS

    for platform in PLATFORMS:
        assert re.search(r"^PARALLEL_UPDATES = \d", (INTEGRATION / f"{platform}.py").read_text(), re.MULTILINE), (
            platform
        )


def test_the_integration_does_not_import_the_engine() -> None:
    for module, tree in source().items():
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not {name.split(".")[0] for name in names} & {"engine", "onvif_server"}, module
