"""Names that several modules of the integration share."""

from __future__ import annotations

import logging
from typing import Final

DOMAIN: Final = "smart_ptz"
LOGGER = logging.getLogger(__package__)

DEFAULT_PORT: Final = 8765

RETRY_SHORTEST_S: Final = 1.0
"""How long to wait before the first new attempt to reach the engine; doubled up to `RETRY_LONGEST_S`."""
RETRY_LONGEST_S: Final = 60.0

LASTING_KINDS: Final = frozenset({"intrusion", "loitering", "object_detection", "motion_region"})
"""The kinds of rules whose condition lasts; a line is crossed in a moment."""
