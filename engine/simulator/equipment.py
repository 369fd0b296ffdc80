"""What a simulated camera has besides its picture and its motors."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.values import Image
from engine.simulator.accessories import Accessories
from engine.simulator.captions import SimulatedCaptions
from engine.simulator.encoder import SimulatedEncoder
from engine.simulator.imaging import SimulatedImaging
from engine.simulator.terminals import SimulatedTerminals


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The parts of one camera that clients can set."""

    imaging: SimulatedImaging = field(default_factory=SimulatedImaging)

    accessories: Accessories = field(default_factory=Accessories)
    captions: SimulatedCaptions = field(default_factory=SimulatedCaptions)
    terminals: SimulatedTerminals | None = None
    encoder: SimulatedEncoder

    def finish(self, picture: Image) -> Image:
        """The scene's picture as the camera sends it; may be called from any thread."""
        picture = self.imaging.finish(self.accessories.finish(picture))
        return self.encoder.finish(self.captions.finish(picture))
