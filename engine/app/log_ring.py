"""The newest lines of the log in memory, for those who may read them without being at the machine."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

_MOST_LINES = 2000
_LONGEST = 2000


class LogRing(logging.Handler):
    """Keeps the newest lines. Add it to the root logger."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        try:
            self._lines.append(self.format(record)[:_LONGEST])
        except Exception:  # noqa: BLE001 - logging's own way with a record that cannot be written
            self.handleError(record)

    def lines(self) -> Sequence[str]:
        """The lines, the oldest first."""
        return tuple(self._lines)
