"""Time in the media process: when light hit the sensor, which pictures are due, when to try again."""

from __future__ import annotations

MAX_NTP_DIFFERENCE_S = 5.0
"""A camera whose clock is further away than this has no clock worth the name."""

REFUSED_DELAY_S = 60.0
"""Between two tries with a password that was refused, so that the camera does not lock its user out."""


def estimate_captured_at(arrived_at: float, ntp: float | None, latency_s: float) -> float:
    """When light hit the sensor (Unix seconds).

    `ntp` is the camera's own word (RTP time mapped by RTCP sender reports, RFC 3550 section 6.4.1), believed if it is
    plausible. A picture cannot have been taken after it arrived: a clock that runs ahead is cut off there. Without it,
    the arrival less the measured latency.
    """
    if ntp is not None and abs(ntp - arrived_at) < MAX_NTP_DIFFERENCE_S:
        return min(ntp, arrived_at)
    return arrived_at - latency_s


class RateLimiter:
    """Chooses pictures so that on the average at most `rate` a second pass, spread as evenly as they come."""

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate
        self._due: float | None = None

    def passes(self, at: float) -> bool:
        """Whether the picture of this instant is due."""
        due = self._due
        # After a gap, or when the clock was set back, counting starts anew.
        if due is None or not due - 2 * self._interval < at < due + 2 * self._interval:
            self._due = at + self._interval
            return True
        # Half an interval of tolerance takes the picture nearest to its due time, whatever the jitter.
        if at < due - self._interval / 2:
            return False
        self._due = due + self._interval
        return True


class Backoff:
    """Waiting times that double from `first_s` to `limit_s`, until something works."""

    def __init__(self, first_s: float = 1.0, limit_s: float = 30.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._next_s = first_s

    def next_s(self) -> float:
        """How long to wait before the next try."""
        delay_s = self._next_s
        self._next_s = min(self._next_s * 2, self._limit_s)
        return delay_s

    def reset(self) -> None:
        """It works again."""
        self._next_s = self._first_s
