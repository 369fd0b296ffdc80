"""From the settings of a link to a link at work."""

from __future__ import annotations

from engine.captures import CaptureRecorder, Snapshotter
from engine.config import LinkConfig, Site
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import Event
from engine.core.values import TrackUpdate
from engine.linkage import FitRefused, Framing, LinkDirector, LinkModel, LinkSettings, fit_link
from engine.ptz import Arbiter

ASSUMED_ASPECT = 16 / 9
"""Until the first picture of the overview has arrived."""


def fit_model(link: LinkConfig, site: Site, aspect: float) -> LinkModel:
    """The link's model, fitted to its point pairs. Raises FitRefused that names the link."""
    overview = site.channel(link.overview)
    try:
        return fit_link(link.pairs, overview.projection, aspect, overview.hfov_deg).model
    except FitRefused as error:
        raise FitRefused(f"link '{link.link_id}': {error}", error.pairs) from error


def make_link(
    link: LinkConfig,
    site: Site,
    arbiter: Arbiter,
    clock: Clock,
    facts: Bus[Event],
    snapshotter: Snapshotter,
    recorder: CaptureRecorder,
) -> LinkDirector:
    """A link at work, calibrated by its point pairs. Raises FitRefused."""
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
        rules={rule.rule_id: rule.priority for rule in site.rules if rule.link == link.link_id},
        dwell_s=link.dwell_s,
        max_tracking_s=link.max_tracking_s,
    )
    return LinkDirector(
        settings,
        fit_model(link, site, ASSUMED_ASPECT),
        arbiter,
        clock=clock,
        bus=facts,
        snapshotter=snapshotter,
        recorder=recorder,
    )


def refit_for_aspect(director: LinkDirector, link: LinkConfig, site: Site, update: TrackUpdate) -> None:
    """Fits the model anew where the overview's pictures turn out to have another shape than it was fitted for."""
    model = director.model
    if model is not None and update.channel == link.overview and abs(model.aspect - update.aspect) > 0.01:
        director.model = fit_model(link, site, update.aspect)
