"""A walking person: a skeleton in the world, dressed in shaded parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.core.geometry import Vector3
from engine.simulator.sculpture import Part
from engine.simulator.textures import Colour
from engine.simulator.viewpoint import Points3

_SKINS: tuple[Colour, ...] = ((140, 172, 214), (120, 150, 200), (70, 100, 150), (95, 130, 185))
_HAIRS: tuple[Colour, ...] = ((22, 26, 32), (36, 52, 84), (70, 110, 150), (120, 125, 130))
_SHIRTS: tuple[Colour, ...] = (
    (44, 46, 132),
    (112, 72, 44),
    (176, 180, 184),
    (60, 92, 66),
    (70, 128, 150),
    (92, 58, 86),
    (46, 46, 50),
    (58, 84, 128),
)
_TROUSERS: tuple[Colour, ...] = ((78, 54, 38), (44, 42, 40), (84, 98, 112), (60, 64, 70), (96, 66, 46))


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like. The height is in metres."""

    height: float
    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    long_hair: bool
    backpack: bool
    short_sleeves: bool

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Look:
        """Chosen by chance."""

        def pick(colours: tuple[Colour, ...]) -> Colour:
            return colours[int(generator.integers(len(colours)))]

        return cls(
            height=float(generator.uniform(1.64, 1.88)),
            skin=pick(_SKINS),
            hair=pick(_HAIRS),
            shirt=pick(_SHIRTS),
            trousers=pick(_TROUSERS),
            long_hair=bool(generator.random() < 0.4),
            backpack=bool(generator.random() < 0.35),
            short_sleeves=bool(generator.random() < 0.5),
        )


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person stands, where they head (pan, degrees), how far they have walked (metres) and how fast (m/s)."""

    x: float
    y: float
    heading_deg: float
    walked: float
    speed: float


class Body:
    """The person's joints in the world at one instant. Lengths are fractions of the height, times the height."""

    def __init__(self, look: Look, stance: Stance) -> None:
        self._look = look
        heading = math.radians(stance.heading_deg)
        self._forward = np.array([math.sin(heading), math.cos(heading), 0.0])
        self._right = np.array([math.cos(heading), -math.sin(heading), 0.0])
        self._foot = np.array([stance.x, stance.y, 0.0])
        # A step is about 0.41 of the height; a whole cycle is two of them.
        self._phase = stance.walked / (0.82 * look.height) * 2 * math.pi
        self._swing = min(stance.speed / 1.3, 1.2)
        bob = 0.012 * self._swing * math.cos(2 * self._phase)
        self._hip_height = 0.515 + bob

    def joint(self, forward: float, right: float, up: float) -> Vector3:
        """A point of the body's own frame (fractions of its height) in the world."""
        height = self._look.height
        point: Vector3 = self._foot + (self._forward * forward + self._right * right) * height
        point[2] = up * height
        return point

    def centre(self) -> Vector3:
        """The middle of the body."""
        return self.joint(0, 0, 0.5)

    def samples(self) -> Points3:
        """Points spread over the body: what is looked at to tell how much of it is hidden."""
        levels = (0.04, 0.2, 0.36, 0.52, 0.66, 0.8, 0.94)
        return np.stack([self.joint(0, side, up) for up in levels for side in (-0.08, 0.0, 0.08)])

    def parts(self, eye: Vector3) -> list[Part]:
        """What is to be drawn for somebody who looks from `eye`, in drawing order."""
        look = self._look
        to_eye = (eye - self._foot)[:2]
        to_eye = to_eye / max(float(np.linalg.norm(to_eye)), 1e-6)
        facing = float(to_eye @ self._forward[:2])
        side = 1.0 if float(to_eye @ self._right[:2]) >= 0 else -1.0
        far_leg, near_leg = self._leg(-side), self._leg(side)
        torso = self._torso(look.shirt)
        pack = self._backpack() if look.backpack else []
        core = [*torso, *pack] if facing < 0.3 else [*pack, *torso]
        return [*far_leg, *near_leg, *self._arm(-side), *core, *self._arm(side), *self._head(facing)]

    def _part(self, points: list[tuple[float, float, float]], radii: list[float], colour: Colour) -> Part:
        world = np.stack([self.joint(*point) for point in points])
        return Part(world, np.array(radii) * self._look.height, colour)

    def _leg(self, side: float) -> list[Part]:
        """One leg; `side` 1 is the right one."""
        look, phase = self._look, self._phase + (0 if side > 0 else math.pi)
        thigh = 0.42 * self._swing * math.sin(phase)
        bend = 0.75 * self._swing * max(math.sin(phase - 0.9 + math.pi / 2), 0.0) * (0.4 + 0.6 * (math.cos(phase) > 0))
        hip = (0.0, side * 0.055, self._hip_height)
        knee = (hip[0] + 0.255 * math.sin(thigh), side * 0.06, hip[2] - 0.255 * math.cos(thigh))
        shin = thigh - bend
        ankle = (knee[0] + 0.225 * math.sin(shin), side * 0.062, max(knee[2] - 0.225 * math.cos(shin), 0.035))
        toe = (ankle[0] + 0.085, side * 0.07, max(ankle[2] - 0.018, 0.018))
        return [
            self._part([ankle, toe], [0.024, 0.018], (34, 34, 38)),
            self._part([knee, ankle], [0.042, 0.03], look.trousers),
            self._part([hip, knee], [0.06, 0.043], look.trousers),
        ]

    def _arm(self, side: float) -> list[Part]:
        look, phase = self._look, self._phase + (0 if side > 0 else math.pi)
        swing = -0.38 * self._swing * math.sin(phase)
        shoulder = (0.0, side * 0.104, 0.797)
        elbow = (0.165 * math.sin(swing), side * 0.126, 0.797 - 0.165 * math.cos(swing))
        reach = swing + 0.28
        hand = (elbow[0] + 0.145 * math.sin(reach), side * 0.128, elbow[2] - 0.145 * math.cos(reach))
        return [
            self._part([hand], [0.023], look.skin),
            self._part([elbow, hand], [0.027, 0.02], look.skin if look.short_sleeves else look.shirt),
            self._part([shoulder, elbow], [0.035, 0.028], look.shirt),
        ]

    def _torso(self, shirt: Colour) -> list[Part]:
        chest = [(0.0, -0.072, 0.79), (0.0, 0.072, 0.79), (0.0, -0.046, 0.63), (0.0, 0.046, 0.63)]
        waist = [(0.0, -0.046, 0.63), (0.0, 0.046, 0.63), (0.0, -0.05, 0.51), (0.0, 0.05, 0.51)]
        return [
            self._part(waist, [0.052, 0.052, 0.058, 0.058], shirt),
            self._part(chest, [0.043, 0.043, 0.054, 0.054], shirt),
            self._part([(0.0, -0.06, 0.815), (0.0, 0.06, 0.815), (0.0, 0.0, 0.84)], [0.03, 0.03, 0.028], shirt),
        ]

    def _backpack(self) -> list[Part]:
        corners = [(-0.085, -0.05, 0.77), (-0.085, 0.05, 0.77), (-0.095, -0.05, 0.6), (-0.095, 0.05, 0.6)]
        return [self._part(corners, [0.04] * 4, (58, 44, 38))]

    def _head(self, facing: float) -> list[Part]:
        look = self._look
        neck = self._part([(0.0, 0.0, 0.83), (0.01, 0.0, 0.87)], [0.033, 0.03], look.skin)
        skull = self._part([(0.012, 0.0, 0.945), (0.018, 0.0, 0.905)], [0.054, 0.043], look.skin)
        crown = self._part([(-0.006, 0.0, 0.962), (-0.024, 0.0, 0.93)], [0.052, 0.046], look.hair)
        parts = [neck, skull, crown] if facing < 0.25 else [neck, crown, skull]
        if facing >= 0.25:
            fringe = [(0.02, -0.03, 0.976), (0.02, 0.03, 0.976)]
            parts.append(self._part(fringe, [0.022, 0.022], look.hair))
        if facing >= 0.5:
            parts += [self._part([(0.058, 0.019 * s, 0.932)], [0.006], (40, 36, 36)) for s in (-1, 1)]
            parts.append(self._part([(0.062, -0.014, 0.893), (0.062, 0.014, 0.893)], [0.004, 0.004], (82, 84, 150)))
        if look.long_hair:
            strand = self._part([(-0.03, 0.0, 0.95), (-0.035, 0.0, 0.85)], [0.05, 0.04], look.hair)
            parts.insert(0 if facing >= 0 else len(parts), strand)
        return parts


def shadow_of(stance: Stance, height: float) -> Points3:
    """The outline of the shadow on the ground: long and narrow, away from a sun that stands on the left."""
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    along, across = np.array([0.93, 0.36]), np.array([-0.36, 0.93])
    ground = (
        np.array([stance.x, stance.y])
        + along * (0.30 * height * (1 + np.cos(angles)))[:, None]
        + across * (0.10 * height * np.sin(angles))[:, None]
    )
    return np.concatenate([ground, np.full((len(angles), 1), 0.01)], axis=1)
