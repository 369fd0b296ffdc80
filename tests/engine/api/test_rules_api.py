"""Rules over the API: listed, made, changed, removed; requests that are not understood change nothing."""

from __future__ import annotations

import pytest

from engine.access import Role
from tests.engine.api.conftest import Api

pytestmark = pytest.mark.ledger("VCA-3", "SITE-2")

GATE = {"id": "gate", "kind": "counting", "channel": "yard", "points": [[0.2, 0.5], [0.8, 0.5]]}


async def test_a_rule_is_made_changed_and_removed(api: Api) -> None:
    status, made = await api.call("POST", "/rules", GATE, Role.OPERATOR)
    assert status == 200
    assert (made["id"], made["name"], made["kind"], made["priority"], made["armed"]) == (
        "gate",
        "gate",
        "counting",
        50,
        True,
    )
    assert made["targets"] == ["person", "vehicle", "two_wheeler"]
    status, changed = await api.call("PUT", "/rules/gate", {"points": GATE["points"], "priority": 7}, Role.OPERATOR)
    assert (status, changed["priority"], changed["kind"]) == (200, 7, "counting")
    assert await api.call("GET", "/rules", role=Role.USER) == (200, {"rules": [changed]})
    assert (await api.call("POST", "/rules/gate/reset", role=Role.OPERATOR))[0] == 204
    assert (await api.call("DELETE", "/rules/gate", role=Role.OPERATOR))[0] == 204
    assert await api.call("GET", "/rules") == (200, {"rules": []})


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "Gate!"},
        {"kind": "teleport"},
        {"points": [[0.2, 1.5]]},
        {"points": [[0.5, 0.5]] * 65},
        {"targets": []},
        {"priority": 101},
        {"min_seconds": -1},
        {"sound": "loud"},
        {"name": "a\nb"},
    ],
)
async def test_what_is_not_understood_is_refused(api: Api, wrong: dict[str, object]) -> None:
    status, answer = await api.call("POST", "/rules", {**GATE, **wrong})
    assert status == 422, answer
    assert not api.engine.made


async def test_who_may_not_and_what_is_not_there(api: Api) -> None:
    for method, path, body in [("POST", "/rules", GATE), ("PUT", "/rules/gate", {}), ("DELETE", "/rules/gate", None)]:
        assert (await api.call(method, path, body, Role.USER))[0] == 403
        if method != "POST":
            assert (await api.call(method, path, body, Role.OPERATOR))[0] == 404
    assert (await api.call("POST", "/rules", GATE))[0] == 200
    status, answer = await api.call("POST", "/rules", GATE)
    assert status == 409
    assert answer["error"]["code"] == "exists"  # type: ignore[index]
