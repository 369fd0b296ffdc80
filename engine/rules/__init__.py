"""Turns tracks into events: regions that are entered, lines that are crossed. No I/O, no clock of its own."""

from engine.rules.engine import RuleEngine
from engine.rules.values import CrossingDirection, Rule, RuleTimes, SizeLimits

__all__ = ["CrossingDirection", "Rule", "RuleEngine", "RuleTimes", "SizeLimits"]
