"""The three levels of users."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A user's level (H§11.12.10): administrators do everything; operators everything but users; users look."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    USER = "user"

    def includes(self, other: Role) -> bool:
        """Whether this level may do all that the other may."""
        order = (Role.USER, Role.OPERATOR, Role.ADMINISTRATOR)
        return order.index(self) >= order.index(other)
