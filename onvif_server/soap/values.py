"""Times and durations as XML writes them, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from zeep import xsd

_DURATION: Any = cast("Any", xsd.Duration)()  # zeep is not typed here
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(text: str) -> str:
    """The text without the characters that XML has no place for."""
    return _NOT_XML.sub("", text)


def xml_time(at: float) -> str:
    """Unix seconds as xs:dateTime in UTC with milliseconds, ending in Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """An xs:dateTime as Unix seconds; without a zone it is UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def parse_duration(text: str) -> timedelta:
    """An xs:duration; a month counts 30 days and a year 365. Raises ValueError."""
    return seconds_of(_DURATION.pythonvalue(text))


def seconds_of(value: object) -> timedelta:
    """Zeep's value of an xs:duration (plain, or with years and months) as a plain one. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    years, months, rest = (getattr(value, name, None) for name in ("years", "months", "tdelta"))
    if not isinstance(rest, timedelta) or years is None or months is None:
        raise ValueError(f"{value!r} is not a duration")
    try:
        return rest + timedelta(days=float(years) * 365 + float(months) * 30)
    except OverflowError as error:
        raise ValueError("the duration is too long") from error
