"""What `smart-ptz check` prints of a camera that has everything, and of one that has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cameras.probe import probe, report_lines
from tests.engine.app.app_sites import make_site
from tests.engine.app.forwarding_sites import simulator

pytestmark = pytest.mark.ledger("SITE-1", "ONVIF-2")


async def test_everything_that_a_camera_can_do_is_listed(tmp_path: Path, socket_enabled: None) -> None:
    async with simulator(tmp_path / "simulated") as (_, addresses):
        site = make_site(tmp_path, wall=addresses["overview"], mast=addresses["ptz"])
        wall, mast = [list(report_lines(await probe(camera))) for camera in site.cameras]
    assert "  relays    gate" in mast
    assert "  inputs    contact" in mast
    assert "  auxiliary sim:WhiteLight|On, sim:WhiteLight|Off" in wall
    pictures = [
        "    imaging         brightness, color_saturation, contrast, exposure_mode, gain_db, focus_mode, ir_cut_filter",
        "    focus           absolute, relative, continuous",
        "    encoder         can be set",
        "    picture texts   yes",
    ]
    assert set(pictures) <= set(mast)
    assert set(pictures) <= set(wall)
    assert any(line.startswith("    auxiliary       tt:Wiper|On, tt:Wiper|Off") for line in mast)

    assert "  relays    no" in wall
    assert "  inputs    no" in wall
    assert not any(line.startswith("    auxiliary") for line in wall)
