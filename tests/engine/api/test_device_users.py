"""The users of ONVIF and RTSP, apart from those of the API."""

from __future__ import annotations

import pytest

from engine.access import Role
from tests.engine.api.conftest import Api

pytestmark = pytest.mark.ledger("NET-1")

RECORDER = {"username": "recorder", "password": "Str0ng+enough", "role": "operator"}


async def test_a_device_user_is_made_changed_and_removed_and_the_relay_hears_of_it(api: Api) -> None:
    status, made = await api.call("POST", "/device-users", RECORDER)
    assert (status, made) == (200, {"username": "recorder", "role": "operator"})
    assert api.access.device_users.password_of("recorder") == RECORDER["password"]
    assert (await api.call("POST", "/device-users", RECORDER | {"role": "user"}))[0] == 200
    assert (await api.call("GET", "/device-users"))[1] == {"users": [{"username": "recorder", "role": "user"}]}
    assert (await api.call("DELETE", "/device-users/recorder"))[0] == 204
    assert (await api.call("DELETE", "/device-users/recorder"))[0] == 404
    assert api.access.device_users.password_of("recorder") is None
    assert api.engine.told_relay == 3


async def test_its_password_must_be_strong_and_is_never_shown(api: Api) -> None:
    status, answer = await api.call("POST", "/device-users", RECORDER | {"password": "easy"})
    assert (status, answer["error"]["code"]) == (422, "weak_password")
    await api.call("POST", "/device-users", RECORDER)
    assert "Str0ng" not in str(await api.call("GET", "/device-users"))


async def test_a_device_user_cannot_use_the_api(api: Api) -> None:
    await api.call("POST", "/device-users", RECORDER)
    credentials = {"username": "recorder", "password": RECORDER["password"]}
    assert (await api.call("POST", "/session", credentials, role=None))[0] == 401


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.USER])
async def test_only_administrators_manage_them(api: Api, role: Role) -> None:
    assert (await api.call("POST", "/device-users", RECORDER, role=role))[0] == 403
    assert (await api.call("GET", "/device-users", role=role))[0] == 403
