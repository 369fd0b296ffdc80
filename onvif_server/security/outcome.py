"""What a scheme of authentication finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a scheme judges a request."""

    ABSENT = "no credentials of this scheme"
    ACCEPTED = "right"
    WRONG = "wrong"
    STALE = "right, but used before or out of date"
    MALFORMED = "incomplete"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, with the user's name as far as it is known."""

    verdict: Verdict
    username: str = ""


ABSENT = Outcome(Verdict.ABSENT)
