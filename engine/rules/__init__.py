"""Turns tracks into events: regions that are entered, lines that are crossed. No I/O, no clock of its own."""

from engine.rules.counting import Counts
from engine.rules.engine import RuleEngine
from engine.rules.values import CrossingDirection, Rule, RuleTimes, SizeLimits

__all__ = ["Counts", "CrossingDirection", "Rule", "RuleEngine", "RuleTimes", "SizeLimits"]
