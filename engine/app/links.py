"""From the settings of a link to a link at work."""

from __future__ import annotations

import logging
from contextlib import suppress

from engine.app.rulebook import priorities
from engine.captures import CaptureRecorder, Snapshotter
from engine.config import LinkConfig, Site
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event
from engine.core.values import TrackUpdate
from engine.linkage import FitRefused, Framing, LinkDirector, LinkFit, LinkModel, LinkSettings, fit_link
from engine.ptz import Arbiter

_LOG = logging.getLogger(__name__)

USUAL_ASPECTS = (16 / 9, 4 / 3, 5 / 4, 3 / 2, 1.0, 2.0, 21 / 9, 32 / 9, 9 / 16)
"""The shapes of cameras' pictures, most usual first; one is assumed until the first picture has arrived."""
SAME_ASPECT = 0.01


class Calibration:
    """A link's model, fitted to its point pairs for the shape (width to height) of the overview's pictures.

    Raises FitRefused that names the link, when the pairs fit to no usual shape.
    """

    def __init__(self, link: LinkConfig, site: Site) -> None:
        self._link = link
        self._overview = site.channel(link.overview)
        self.model = self._first()
        self._aspect = self.model.aspect

    def _first(self) -> LinkModel:
        for aspect in USUAL_ASPECTS:
            with suppress(FitRefused):
                return self._fit(aspect, blame=False).model
        try:
            # What is wrong with the pairs is best said for the shape that most cameras have.
            return self._fit(USUAL_ASPECTS[0]).model
        except FitRefused as error:
            raise FitRefused(f"link '{self._link.link_id}': {error}", error.pairs) from error

    def _fit(self, aspect: float, *, blame: bool = True) -> LinkFit:
        overview = self._overview
        return fit_link(self._link.pairs, overview.projection, aspect, overview.hfov_deg, blame=blame)

    def follow(self, director: LinkDirector, update: TrackUpdate) -> None:
        """Fits the model anew where the overview's pictures turn out to have another shape than it was fitted for.

        Where that is refused the former model stays, and the log says so once.
        """
        if update.channel != self._link.overview or abs(self._aspect - update.aspect) <= SAME_ASPECT:
            return
        self._aspect = update.aspect
        try:
            director.model = self.model = self._fit(update.aspect).model
        except FitRefused as error:
            _LOG.error(
                "link %r is calibrated badly, for pictures of another shape (%.2f) than the overview's (%.2f): %s",
                self._link.link_id,
                self.model.aspect,
                update.aspect,
                error,
            )


def make_link(
    link: LinkConfig,
    site: Site,
    model: LinkModel,
    arbiter: Arbiter,
    clock: Clock,
    facts: Bus[Event],
    snapshotter: Snapshotter,
    recorder: CaptureRecorder,
) -> LinkDirector:
    """A link at work."""
    curve = site.channel(link.ptz).zoom_curve
    settings = LinkSettings(
        link_id=link.link_id,
        overview=link.overview,
        ptz=link.ptz,
        framing=Framing(
            ratio=link.capture_ratio,
            vertical_offset=link.vertical_offset,
            narrowest_deg=curve.narrowest_deg,
            widest_deg=curve.widest_deg,
        ),
        rules=priorities(site.rules, link.link_id),
        dwell_s=link.dwell_s,
        max_tracking_s=link.max_tracking_s,
        follow_after_s=link.follow_after_s,
    )
    return LinkDirector(
        settings,
        model,
        arbiter,
        clock=clock,
        bus=facts,
        snapshotter=snapshotter,
        recorder=recorder,
    )
