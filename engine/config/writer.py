"""Changes the rules in a site file, and nothing else in it: comments, order and everything that is not a rule stay."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config.document import Problem, SiteFileError, read_text
from engine.config.loader import load_site
from engine.config.rules_text import RulesText, TextNotUnderstood, rewritten
from engine.config.schema import RuleConfig, Site

type Rules = tuple[RuleConfig, ...]

_TRIES = 3
_DEFAULT_TARGETS = ("person", "vehicle", "two_wheeler")


def change_rules(file: Path, change: Callable[[Rules], Rules], check: Callable[[Site], object] | None = None) -> Site:
    """Gives a site file other rules, and returns the site that it holds then.

    `change` makes the new rules from those in the file at that moment (somebody may have edited it by hand since it
    was loaded); `check` may raise for a site that cannot be used. What they raise passes through. The file is replaced
    in one step, with its mode, when everything was found right; so whatever is raised, it is as it was. Blocks.

    Raises SiteFileError for a file that is wrong before or after the change, or changes again and again meanwhile, and
    OSError when it cannot be written.
    """
    for _ in range(_TRIES):
        target = file.resolve()
        before = _stamp(target)
        text = read_text(target)
        old = load_site(file, text)
        rules = change(old.rules)
        new_text = _changed(file, text, old, rules)
        new = load_site(file, new_text)
        if check is not None:
            check(new)
        if new_text == text or _replaced(target, new_text, before):
            return new
    raise SiteFileError(file, [Problem("somebody else keeps changing it")])


def entry_of(rule: RuleConfig) -> dict[str, Any]:
    """A rule as it stands in a site file, without what is the default."""
    entry: dict[str, Any] = {"id": rule.rule_id}
    if rule.name != rule.rule_id:
        entry["name"] = rule.name
    entry |= {"type": rule.kind.value, "channel": rule.channel}
    if rule.points:
        entry["line" if rule.kind.has_line else "region"] = [[point.x, point.y] for point in rule.points]
    optional: dict[str, tuple[Any, Any]] = {
        "direction": (rule.direction, "both"),
        "min_seconds": (rule.min_seconds, 0),
        "targets": ([target.value for target in rule.targets], list(_DEFAULT_TARGETS)),
        "confidence": (rule.confidence, 0),
        "sensitivity": (rule.sensitivity, 50),
        "link": (rule.link, None),
        "priority": (rule.priority, 50),
        "armed": (rule.armed, True),
    }
    return entry | {key: value for key, (value, default) in optional.items() if value != default}


def _changed(file: Path, text: str, old: Site, rules: Rules) -> str:
    """The file's text with these rules; what it means is checked by reading it again."""
    ids = [rule.rule_id for rule in rules]
    if repeated := sorted({one for one in ids if ids.count(one) > 1}):
        raise SiteFileError(file, [Problem(f"the id '{repeated[0]}' is used twice", path=("rules",))])
    wrong = SiteFileError(file, [Problem("its rules cannot be changed by the engine; change them by hand")])
    for write in (_spliced, _dumped):
        try:
            new_text = write(text, old.rules, rules)
            found = load_site(file, new_text)
        except TextNotUnderstood:
            continue
        except SiteFileError as error:
            # A mistake of the rules comes back from both ways to write them.
            wrong = error
            continue
        if found == replace(old, rules=found.rules) and _same(found.rules, rules):
            return new_text
    raise wrong


def _spliced(text: str, old: Rules, new: Rules) -> str:
    """Changes the lines of the rules that change."""
    lines = RulesText(text)
    wanted = {rule.rule_id: rule for rule in new}
    # From the end, so that the places of those before stay right.
    for index in range(len(old) - 1, -1, -1):
        rule = wanted.get(old[index].rule_id)
        if rule is None:
            lines.remove(index)
        elif rule != old[index]:
            lines.change(index, entry_of(old[index]), entry_of(rule))
    known = {rule.rule_id for rule in old}
    for rule in new:
        if rule.rule_id not in known:
            lines.append(entry_of(rule))
    return lines.text


def _dumped(text: str, old: Rules, new: Rules) -> str:
    """For files whose rules do not stand on lines of their own: the whole file is written anew, with its comments."""
    pairs = {rule.rule_id: entry_of(rule) for rule in old}
    return rewritten(text, [(pairs.get(rule.rule_id), entry_of(rule)) for rule in new])


def _same(found: Rules, wanted: Sequence[RuleConfig]) -> bool:
    """Whether the same rules are there; where new ones stand among the old does not matter."""
    return {rule.rule_id: rule for rule in found} == {rule.rule_id: rule for rule in wanted}


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError as error:
        raise SiteFileError(file, [Problem(f"cannot be read: {os.strerror(error.errno or 0)}")]) from error
    return status.st_ino, status.st_mtime_ns, status.st_size


def _replaced(file: Path, text: str, before: tuple[int, int, int]) -> bool:
    """Puts a text in the place of the file in one step; False, and nothing happens, if it is not as `before`."""
    status = file.stat()
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
            with suppress(PermissionError):
                os.fchown(stream.fileno(), status.st_uid, status.st_gid)
            stream.flush()
            os.fsync(stream.fileno())
        if _stamp(file) != before:
            return False
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        # The new name too must outlast a power cut.
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
