"""Rules: what the engine watches for. They stand in the site file; what is changed here is changed there."""

from __future__ import annotations

from engine.access import Role
from engine.api.messages.rules import RuleDescription, RuleList, RuleRequest, RuleSettings
from engine.api.operations import Call, operation


@operation("GET", "/rules", tag="rules", role=Role.USER)
async def list_rules(call: Call) -> RuleList:
    """List the rules with their settings."""
    return RuleList(rules=await call.context.services.rules())


@operation("POST", "/rules", tag="rules", role=Role.OPERATOR)
async def add_rule(call: Call, body: RuleRequest) -> RuleDescription:
    """Make a rule. It works at once, and is written into the site file."""
    return await call.context.services.add_rule(body)


@operation("PUT", "/rules/{rule_id}", tag="rules", role=Role.OPERATOR)
async def change_rule(call: Call, body: RuleSettings) -> RuleDescription:
    """Give a rule other settings: all of them, what is left out has its default. Its kind and its channel stay."""
    return await call.context.services.change_rule(call.path["rule_id"], body)


@operation("DELETE", "/rules/{rule_id}", tag="rules", role=Role.OPERATOR)
async def remove_rule(call: Call) -> None:
    """Remove a rule, from the site file too."""
    await call.context.services.remove_rule(call.path["rule_id"])


@operation("POST", "/rules/{rule_id}/reset", tag="rules", role=Role.OPERATOR)
async def reset_counter(call: Call) -> None:
    """Set the counter of a counting rule back to zero."""
    await call.context.services.reset_counter(call.path["rule_id"])
