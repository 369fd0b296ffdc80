"""The engine changes rules in a site file: they are there when it is read again, and nothing else is any different."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import RuleConfig, Site, SiteFileError, load_site
from engine.config.writer import change_rules
from engine.core.events import RuleKind
from engine.core.geometry import Point
from engine.core.values import TargetType

pytestmark = pytest.mark.ledger("VCA-2", "SITE-2")

HEAD = """\
# Our yard, 2026. Do not touch the wall camera!
version: 1
name:   Yard      # shown in the title
cameras:
  - {id: wall,   driver: onvif, address: http://192.0.2.7, username: admin, password: !secret wall,
     channels: [{id: yard, role: overview, hfov_deg: 70.0}, {id: dome, role: ptz}]}   # two channels
"""
LINKS = """\

# --- who sends whom ---
links:
  - id: yard-dome
    overview: yard
    ptz: dome
    pairs: [{x: 0.1, y: 0.4, pan_deg: -30, tilt_deg: -5}, {x: 0.9, y: 0.4, pan_deg: 30, tilt_deg: -5},
            {x: 0.5, y: 0.9, pan_deg: 0, tilt_deg: -30}, {x: 0.4, y: 0.6, pan_deg: -8, tilt_deg: -12}]
"""
RULES = """\
# --- what we look out for ---
rules:
  # the lawn is sown
  - id: lawn
    type: intrusion       # not the cat
    channel: yard
    name: !secret lawn_name
    region: [[0.20, 0.4], [0.8, 0.4], [0.8, 0.9], [0.2, 0.9]]
    link: yard-dome       # the dome looks
    # by night more important
    priority: 70

  # at the gate
  - {id: gate, type: line_crossing, channel: yard, line: [[0.1, 0.5], [0.9, 0.5]]}   # both ways
"""
TAIL = """\
# --- the rest ---
storage:
  capture_days: 30   # the law
"""
FULL = HEAD + LINKS + RULES + TAIL

TRIANGLE = (Point(0.1, 0.1), Point(0.9, 0.25), Point(0.5, 1.0))


def written(folder: Path, text: str = FULL) -> Path:
    file = folder / "site.yaml"
    file.write_bytes(text.encode())
    secrets = folder / "secrets.yaml"
    secrets.touch(0o600)
    secrets.write_text('wall: "hunter2"\nlawn_name: "The lawn"\n')
    return file


def rule(rule_id: str, kind: RuleKind = RuleKind.INTRUSION, **changes: object) -> RuleConfig:
    points = TRIANGLE[:2] if kind.has_line else TRIANGLE
    base = RuleConfig(rule_id, rule_id, kind, "yard", points, "both", 0.0, (TargetType.PERSON,))
    return replace(base, **changes)  # type: ignore[arg-type]


def to(model: dict[str, RuleConfig]) -> Callable[[tuple[RuleConfig, ...]], tuple[RuleConfig, ...]]:
    wanted = tuple(model.values())
    return lambda _: wanted


def adding(*rules: RuleConfig) -> Callable[[tuple[RuleConfig, ...]], tuple[RuleConfig, ...]]:
    return lambda old: (*old, *rules)


def test_an_added_rule_stands_after_the_others_and_every_other_line_is_as_it_was(tmp_path: Path) -> None:
    file = written(tmp_path)
    made = rule("field", name="The field", min_seconds=2.5, link="yard-dome")
    site = change_rules(file, adding(made))
    assert load_site(file) == site
    assert site.rules[2] == made
    added = """\
  - id: field
    name: The field
    type: intrusion
    channel: yard
    region: [[0.1, 0.1], [0.9, 0.25], [0.5, 1.0]]
    min_seconds: 2.5
    targets: [person]
    link: yard-dome
"""
    assert file.read_text() == HEAD + LINKS + RULES + added + TAIL


def test_a_changed_rule_keeps_its_comments_its_secrets_and_what_did_not_change(tmp_path: Path) -> None:
    file = written(tmp_path)
    change_rules(file, lambda old: (replace(old[0], priority=20, link=None, confidence=0.5), old[1]))
    expected = FULL.replace("priority: 70", "priority: 20\n    confidence: 0.5")
    # A comment that stands behind or below a key goes with it.
    gone = "    link: yard-dome       # the dome looks\n    # by night more important\n"
    assert file.read_text() == expected.replace(gone, "", 1)
    assert load_site(file).rules[0].name == "The lawn"


def test_a_rule_of_one_line_is_changed_on_its_line(tmp_path: Path) -> None:
    file = written(tmp_path)
    change_rules(file, lambda old: (old[0], replace(old[1], direction="a_to_b")))
    assert file.read_text() == FULL.replace("[0.9, 0.5]]}", "[0.9, 0.5]], direction: a_to_b}").replace(
        "}   # both", "} # both"
    )


def test_a_removed_rule_takes_its_lines_with_it(tmp_path: Path) -> None:
    file = written(tmp_path)
    change_rules(file, lambda old: old[:1])
    assert file.read_text() == "".join(line for line in FULL.splitlines(keepends=True) if "id: gate" not in line)
    change_rules(file, lambda _: ())
    left = file.read_text()
    assert load_site(file).rules == ()
    assert left.startswith(HEAD + LINKS)
    assert left.endswith(TAIL)
    assert "# the lawn is sown" in left
    change_rules(file, adding(rule("again")))
    assert [one.rule_id for one in load_site(file).rules] == ["again"]
    assert file.read_text().startswith(HEAD + LINKS)
    assert "# the lawn is sown" in file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        HEAD + LINKS,
        HEAD + LINKS.rstrip("\n"),
        HEAD + LINKS + "rules: []  # none yet\n" + TAIL,
        (HEAD + LINKS + "rules: []\n").replace("\n", "\r\n"),
        HEAD + LINKS + "rules: [{id: a, type: line_crossing, channel: yard, line: [[0, 0], [1, 1]]}]  # one\n" + TAIL,
        HEAD
        + LINKS
        + "rules:\n- id: a\n  type: line_crossing\n  channel: yard\n  line:\n  - [0, 0]\n  - [1, 1]\n"
        + TAIL,
        HEAD
        + LINKS
        + "rules:\n  -\n    id: a\n    type: line_crossing\n    channel: yard\n    line: [[0, 0], [1, 1]]\n",
    ],
    ids=["absent", "no last line end", "empty", "CRLF", "flow", "not indented", "dash alone"],
)
def test_other_ways_to_write_rules(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    before = load_site(file)
    site = change_rules(file, adding(rule("b", RuleKind.COUNTING), rule("c", RuleKind.OBJECT_DETECTION, points=())))
    assert [one.rule_id for one in load_site(file).rules] == [*(one.rule_id for one in before.rules), "b", "c"]
    assert replace(site, rules=()) == replace(before, rules=())
    new = file.read_bytes().decode()
    assert "# shown in the title" in new
    assert "!secret wall" in new
    assert ("\r\n" in text) == ("\r\n" in new)
    change_rules(file, lambda old: tuple(replace(one, priority=7) for one in old))
    assert {one.priority for one in load_site(file).rules} == {7}
    change_rules(file, lambda _: before.rules)
    assert load_site(file) == before


def test_a_file_written_on_one_line_is_changed_too(tmp_path: Path) -> None:
    text = (
        "{version: 1, cameras: [{id: w, driver: rtsp, address: 'rtsp://x', channels: [{id: yard, role: overview}]}]}\n"
    )
    file = written(tmp_path, text)
    change_rules(file, adding(rule("a"), rule("b")))
    change_rules(file, lambda old: (replace(old[1], armed=False),))
    assert load_site(file).rules == (rule("b", armed=False),)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (rule("Bad Name"), "rules[2].id: expected an id of lower-case"),
        (rule("a", channel="attic"), "rules[2].channel: there is no channel 'attic'"),
        (rule("a", link="rope"), "rules[2].link: there is no link 'rope'"),
        (rule("a", points=TRIANGLE[:2]), "rules[2].region: expected a list of 3 to 64 points"),
        (rule("a", points=()), "needs a region of at least 3 points"),
        (
            rule("a", RuleKind.MOTION_REGION, link="yard-dome"),
            "rules[2].link: a rule of type 'motion_region' cannot send a link: it knows no target",
        ),
        (rule("a", sensitivity=101.0), "rules[2].sensitivity"),
        (rule("a", RuleKind.LOITERING), "rules[2].min_seconds: a rule of type 'loitering' needs a time above 0"),
        (rule("lawn"), "the id 'lawn' is used twice"),
    ],
)
def test_a_bad_rule_is_refused_and_the_file_stays(tmp_path: Path, bad: RuleConfig, says: str) -> None:
    file = written(tmp_path)
    with pytest.raises(SiteFileError) as caught:
        change_rules(file, adding(bad))
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert file.read_text() == FULL
    assert sorted(one.name for one in tmp_path.iterdir()) == ["secrets.yaml", "site.yaml"]


def test_what_the_check_refuses_is_not_written(tmp_path: Path) -> None:
    def check(site: Site) -> None:
        raise ValueError(f"{len(site.rules)} rules are too many")

    file = written(tmp_path)
    with pytest.raises(ValueError, match="3 rules are too many"):
        change_rules(file, adding(rule("a")), check)
    assert file.read_text() == FULL


def test_a_file_that_was_broken_by_hand_is_left_to_the_person_who_edits_it(tmp_path: Path) -> None:
    file = written(tmp_path)
    broken = FULL.replace("role: overview", "role: overvieu")
    file.write_text(broken)
    with pytest.raises(SiteFileError, match=r"site.yaml:6: .*expected one of overview, ptz"):
        change_rules(file, adding(rule("a")))
    assert file.read_text() == broken
    file.unlink()
    with pytest.raises(SiteFileError, match="cannot be read"):
        change_rules(file, adding(rule("a")))


def test_an_edit_by_hand_meanwhile_is_kept(tmp_path: Path) -> None:
    file = written(tmp_path)
    edits = 0

    def while_somebody_edits(old: tuple[RuleConfig, ...]) -> tuple[RuleConfig, ...]:
        nonlocal edits
        if not edits:
            file.write_text(FULL.replace("capture_days: 30", "capture_days: 31"))
        edits += 1
        return (*old, rule("a"))

    site = change_rules(file, while_somebody_edits)
    assert edits == 2
    assert site.storage.capture_days == 31
    assert [one.rule_id for one in load_site(file).rules] == ["lawn", "gate", "a"]


def test_the_mode_and_a_symbolic_link_stay(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.chmod(0o640)
    (tmp_path / "real").mkdir()
    file.rename(tmp_path / "real" / "site.yaml")
    file.symlink_to(tmp_path / "real" / "site.yaml")
    change_rules(file, adding(rule("a")))
    assert file.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert len(load_site(file).rules) == 3


ids = st.sampled_from(["lawn", "gate", "a", "b", "c"])
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "remove"]),
        ids,
        st.sampled_from([RuleKind.INTRUSION, RuleKind.COUNTING, RuleKind.OBJECT_DETECTION]),
        st.integers(0, 100),
        st.sampled_from([None, "yard-dome"]),
        st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12).filter(str.strip),
        st.floats(0, 3600),
    ),
    max_size=6,
)


@given(steps)
@settings(max_examples=25, deadline=None)
def test_whatever_is_done_the_rest_of_the_file_stays_to_the_byte(todo: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder))
        model = {one.rule_id: one for one in load_site(file).rules}
        for what, rule_id, kind, priority, link, name, seconds in todo:
            values: dict[str, object] = {"priority": priority, "link": link, "name": name, "min_seconds": seconds}
            if what == "add" and rule_id not in model:
                model[rule_id] = rule(rule_id, kind, **values)  # type: ignore[arg-type]
            elif what == "change" and rule_id in model:
                model[rule_id] = replace(model[rule_id], **values)  # type: ignore[arg-type]
            elif what == "remove":
                model.pop(rule_id, None)
            change_rules(file, to(model))
        assert {one.rule_id: one for one in load_site(file).rules} == model
        text = file.read_text()
        assert text.startswith(HEAD + LINKS + "# --- what we look out for ---\nrules:")
        assert text.endswith(TAIL)
        assert "  # the lawn is sown\n" in text
        assert "  # at the gate\n" in text
