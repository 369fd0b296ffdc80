"""Activation, login and levels over HTTP."""

from __future__ import annotations

import logging

import pytest

from engine.access import Role
from engine.api.application import OPERATIONS
from tests.engine.api.conftest import PASSWORD, Api

CREDENTIALS = {"username": "ada", "password": PASSWORD}


@pytest.mark.ledger("SITE-4")
async def test_nothing_but_the_activation_answers_before_it(new_api: Api) -> None:
    for each in OPERATIONS:
        path = each.path.replace("{", "").replace("}", "")
        async with new_api.http.request(
            each.method, f"http://127.0.0.1:{new_api.server.port}{path}", json={}
        ) as answer:
            if each.before_activation:
                assert answer.status in {200, 422}, each.name
            else:
                assert answer.status == 403, each.name
                assert (await answer.json())["error"]["code"] == "not_activated"
    for path in ("/docs", "/docs/swagger-ui.css", "/", "/nowhere"):
        async with new_api.http.get(f"http://127.0.0.1:{new_api.server.port}{path}") as answer:
            assert answer.status == 403


@pytest.mark.ledger("SITE-4")
async def test_the_activation(new_api: Api) -> None:
    assert await new_api.call("GET", "/info") == (
        200,
        {"name": "Yard", "version": "1.2.3", "instance_id": "i1", "activated": False},
    )
    status, answer = await new_api.call("POST", "/activation", {"username": "ada", "password": "easy"})
    assert status == 422
    assert answer["error"]["code"] == "weak_password"
    assert "upper case" in answer["error"]["message"]

    status, answer = await new_api.call("POST", "/activation", CREDENTIALS)
    assert status == 200
    assert answer["role"] == "administrator"
    new_api.tokens[Role.ADMINISTRATOR] = answer["token"]
    assert (await new_api.call("GET", "/state"))[0] == 200
    assert (await new_api.call("GET", "/info"))[1]["activated"] is True

    status, answer = await new_api.call("POST", "/activation", CREDENTIALS)
    assert (status, answer["error"]["code"]) == (403, "already_activated")


async def test_login_token_and_logout(api: Api) -> None:
    status, session = await api.call("POST", "/session", CREDENTIALS, role=None)
    assert status == 200
    assert session["expires_at"] == api.clock.now() + 12 * 3600
    api.tokens[Role.ADMINISTRATOR] = session["token"]
    status, made = await api.call("POST", "/tokens", {"name": "Home Assistant"})
    assert status == 200
    assert "Home Assistant" in [t["name"] for t in (await api.call("GET", "/tokens"))[1]["tokens"]]
    assert (await api.call("DELETE", "/session"))[0] == 204
    assert (await api.call("GET", "/state"))[0] == 401
    api.tokens[Role.ADMINISTRATOR] = made["token"]
    assert (await api.call("GET", "/state"))[0] == 200
    assert (await api.call("DELETE", f"/tokens/{made['token_id']}"))[0] == 204
    assert (await api.call("GET", "/state"))[0] == 401


@pytest.mark.ledger("SYS-2")
async def test_seven_wrong_passwords_lock_an_administrator_for_half_an_hour(api: Api) -> None:
    wrong = {"username": "ada", "password": "Wr0ng-pass!"}
    for _ in range(7):
        assert (await api.call("POST", "/session", wrong, role=None))[0] == 401
    async with api.http.post(api.address + "/session", json=CREDENTIALS) as answer:
        assert answer.status == 429
        assert (await answer.json())["error"]["code"] == "locked_out"
        assert answer.headers["Retry-After"] == "1801"
    await api.clock.advance(1801)
    assert (await api.call("POST", "/session", CREDENTIALS, role=None))[0] == 200


async def test_without_a_good_token_nobody_gets_in(api: Api) -> None:
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {api.tokens[Role.ADMINISTRATOR]}"},
        {"Authorization": "Bearer " + "x" * 5000},
    ):
        async with api.http.get(api.address + "/state", headers=headers) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    token = api.tokens[Role.ADMINISTRATOR]
    async with api.http.get(f"{api.address}/state?token={token}&access_token={token}") as answer:
        assert answer.status == 401, "tokens in addresses end up in logs"


@pytest.mark.ledger("SYS-1")
async def test_every_operation_keeps_to_its_level(api: Api) -> None:
    order = [None, Role.USER, Role.OPERATOR, Role.ADMINISTRATOR]
    ending = {"end_session", "change_password"}
    for each in OPERATIONS:
        if each.name in ending or each.role is None:
            continue
        path = each.path.removeprefix("/api/v1").replace("{", "").replace("}", "")
        for role in order:
            status, answer = await api.call(each.method, path, {} if each.body else None, role=role)
            if role is None:
                assert status == 401, each.name
            elif order.index(role) < order.index(each.role):
                assert (status, answer["error"]["code"]) == (403, "not_allowed"), each.name
            else:
                assert status in {200, 204, 404, 422}, (each.name, answer)


@pytest.mark.ledger("SYS-1")
async def test_administrators_manage_users(api: Api) -> None:
    new = {"username": "bob", "password": "Here-1s-bob!"}
    assert (await api.call("POST", "/users", {**new, "role": "boss"}))[0] == 422
    status, answer = await api.call("POST", "/users", {**new, "role": "operator"})
    assert status == 422
    assert "user's name" in answer["error"]["message"]
    new["password"] = PASSWORD
    assert (await api.call("POST", "/users", {**new, "role": "operator"}))[0] == 200
    assert (await api.call("POST", "/users", {**new, "role": "operator"}))[0] == 409
    names = [user["username"] for user in (await api.call("GET", "/users"))[1]["users"]]
    assert names == ["ada", "bob", "operator1", "user1"]
    assert (await api.call("DELETE", "/users/bob"))[0] == 204
    assert (await api.call("DELETE", "/users/bob"))[0] == 404
    assert (await api.call("DELETE", "/users/ada"))[0] == 409
    change = {"old_password": "Other-h0rse", "new_password": "Third-h0rse"}
    assert (await api.call("PUT", "/password", change, role=Role.USER))[0] == 204
    assert (await api.call("GET", "/state", role=Role.USER))[0] == 401


async def test_secrets_never_reach_a_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await api.call("POST", "/session", {"username": "ada", "password": "Wr0ng-pass!"}, role=None)
    await api.call("POST", "/session", {"username": "ada", "password": ["Wr0ng-pass!"]}, role=None)
    await api.call("POST", "/links/yard-dome/track", {"track_id": "explode"})
    await api.call("GET", "/stream-credentials")
    for secret in (PASSWORD, "Wr0ng-pass!", "relay-secret", *api.tokens.values()):
        assert secret not in caplog.text
