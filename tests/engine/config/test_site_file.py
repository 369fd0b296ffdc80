"""A site file is read whole or refused whole; mistakes are named with file, line, path and what was expected."""

# ruff: noqa: E501 - a table reads better than its broken lines

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import SiteFileError, load_site
from engine.core.events import RuleKind

pytestmark = pytest.mark.ledger("SITE-1", "SITE-2", "LINK-9", "VCA-2")

GOOD = """\
version: 1
name: Yard
cameras:
  - id: wall
    driver: onvif
    address: http://192.0.2.7
    username: admin
    password: !secret wall
    channels:
      - id: yard
        role: overview
        hfov_deg: 70
      - id: dome
        role: ptz
        zoom_curve: [[0, 60], [0.5, 20], [1, 3]]
        home: {pan_deg: 0, tilt_deg: -10, hfov_deg: 60}
links:
  - id: yard-dome
    overview: yard
    ptz: dome
    pairs:
      - {x: 0.1, y: 0.4, pan_deg: -30, tilt_deg: -5}
      - {x: 0.9, y: 0.4, pan_deg: 30, tilt_deg: -5}
      - {x: 0.5, y: 0.9, pan_deg: 0, tilt_deg: -30}
      - {x: 0.4, y: 0.6, pan_deg: -8, tilt_deg: -12}
rules:
  - id: lawn
    type: intrusion
    channel: yard
    region: [[0.2, 0.4], [0.8, 0.4], [0.8, 0.9], [0.2, 0.9]]
    link: yard-dome
"""


def written(folder: Path, text: str, secrets: str = "wall: hunter2-Xy\n", mode: int = 0o600) -> Path:
    file = folder / "site.yaml"
    file.write_text(text)
    beside = folder / "secrets.yaml"
    beside.touch(mode=mode)
    beside.chmod(mode)
    beside.write_text(secrets)
    return file


def problems(folder: Path, text: str) -> str:
    with pytest.raises(SiteFileError) as caught:
        load_site(written(folder, text))
    return str(caught.value)


def test_a_good_file_is_read_with_all_its_defaults(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, GOOD))
    assert [channel.channel_id for channel in site.channels] == ["yard", "dome"]
    assert site.cameras[0].password == "hunter2-Xy"
    assert site.channel("dome").zoom_curve.hfov_deg(0.5) == pytest.approx(20)
    assert site.channel("yard").analysis.fps == 5
    assert site.links[0].capture_ratio == 0.5
    assert site.links[0].follow_after_s == 5.0
    assert site.vision.confidence is None
    assert site.rules[0].kind is RuleKind.INTRUSION
    assert site.data_dir == tmp_path / "data"


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    assert "hunter2" not in repr(load_site(written(tmp_path, GOOD)))


@pytest.mark.parametrize(
    ("good", "bad", "line", "path", "expected"),
    [
        ("role: overview", "role: ceiling", 11, "cameras[0].channels[0].role", "expected one of overview, ptz; found 'ceiling'"),
        ("hfov_deg: 70", "hfov_deg: wide", 12, "cameras[0].channels[0].hfov_deg", "expected a number from 1 to 360"),
        ("    driver: onvif\n", "", 4, "cameras[0].driver", "is missing"),
        ("name: Yard", "nmae: Yard", 2, "nmae", "unknown key 'nmae', did you mean 'name'"),
        ("overview: yard", "overview: garden", 19, "links[0].overview", "(there are: yard)"),
        ("[0.5, 20]", "[0.5, 70]", 15, "cameras[0].channels[1].zoom_curve", "field of view fall"),
        ("link: yard-dome", "link: no-such", 31, "rules[0].link", "there is no link 'no-such'"),
        ("      - {x: 0.4, y: 0.6, pan_deg: -8, tilt_deg: -12}\n", "", 21, "links[0].pairs", "expected a list of 4 to 1000 point pairs"),
        ("password: !secret wall", "password: !secret hall", 8, "cameras[0].password", "the secret 'hall' is not in"),
        ("name: Yard", "name: Yard\napi: {tls_certificate: certificate.pem}", 3, "api.tls_key", "tls_certificate and tls_key go together"),
        ("name: Yard", "name: Yard\nonvif: {broker_ca: no-such.pem}", 3, "onvif.broker_ca", "'no-such.pem' cannot be read (No such file or directory): expected the path of a PEM file"),
        ("name: Yard", "name: Yard\nonvif:\n  port: 1\n  broker_ca: .", 5, "onvif.broker_ca", "'.' cannot be read (Is a directory)"),
        ("name: Yard", "name: Yard\nonvif: {broker_ca: site.yaml}", 3, "onvif.broker_ca", "'site.yaml' holds no certificates"),
        ("version: 1", "version: 7", 1, "version", "expected a whole number from 1 to 1; found 7"),
        ("region: [[0.2, 0.4], [0.8, 0.4], [0.8, 0.9], [0.2, 0.9]]", "line: [[0.2, 0.4], [0.8, 0.4]]", 27, "rules[0].region", "needs a region"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_path_and_what_was_expected(
    tmp_path: Path, good: str, bad: str, line: int, path: str, expected: str
) -> None:
    assert good in GOOD
    message = problems(tmp_path, GOOD.replace(good, bad, 1))
    assert message.startswith(f"{tmp_path / 'site.yaml'}:{line}: {path}: "), message
    assert expected in message


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    message = problems(tmp_path, GOOD.replace("hfov_deg: 70", "hfov_deg: -1").replace("name: Yard", "nmae: Yard"))
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\n  name: x\n", "site.yaml:2: not valid YAML"),
        ("a: &x [1]\nb: *x\n", "site.yaml:2: aliases (*name) are not allowed"),
        ("a: 1\na: 2\n", "not valid YAML"),
        ("a: !python/object:os.system x\n", "unknown tag"),
        ("- " * 40 + "x", "nested too deeply"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match="cannot be read: No such file"):
        load_site(tmp_path / "nowhere.yaml")


def test_secrets_that_others_can_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match="chmod 600"):
        load_site(written(tmp_path, GOOD, mode=0o644))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_foreign_bytes_are_refused_and_nothing_else_happens(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "site.yaml"
    file.write_bytes(data)
    with pytest.raises(SiteFileError):
        load_site(file)
