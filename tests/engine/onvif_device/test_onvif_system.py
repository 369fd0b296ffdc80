"""The engine's power switch and papers, as ONVIF asks for them."""

from __future__ import annotations

import json

import pytest

from engine.onvif_device.system import EngineSystem
from onvif_server.backend import Caller, Certificate, FactoryDefault, Refusal, Refused, System

pytestmark = pytest.mark.ledger("ONVIF-2")

CALLER = Caller("admin", "192.0.2.7")


class Application:
    """What the callables do is written down."""

    def __init__(self, *, resettable: bool = True) -> None:
        self.done: list[str] = []
        self.lines = ["12:00 started", "12:01 Käse"]
        self.system: System = EngineSystem(
            restart=self.restart,
            forget=self.forget if resettable else None,
            lines=lambda: self.lines,
            support=lambda: {"version": "1", "place": "Käse"},
            certificates=lambda: [Certificate("web", b"pem")],
            dns_servers=lambda: ["192.0.2.53"],
        )

    async def restart(self) -> None:
        self.done.append("restart")

    async def forget(self, extent: FactoryDefault) -> None:
        self.done.append(extent.value)


async def test_a_reboot_restarts_the_engine() -> None:
    application = Application()
    assert "restarts" in await application.system.reboot(CALLER)
    assert application.done == ["restart"]


async def test_a_factory_default_needs_the_sites_permission() -> None:
    application = Application()
    assert application.system.factory_default_allowed
    await application.system.factory_default(CALLER, FactoryDefault.SOFT)
    assert application.done == ["Soft"]
    forbidden = Application(resettable=False)
    assert not forbidden.system.factory_default_allowed
    with pytest.raises(Refused) as caught:
        await forbidden.system.factory_default(CALLER, FactoryDefault.HARD)
    assert caught.value.refusal is Refusal.NOT_ALLOWED


async def test_log_and_support_information() -> None:
    application = Application()
    log = await application.system.system_log()
    assert log is not None
    assert log.content.decode() == "12:00 started\n12:01 Käse\n"
    support = await application.system.support_information()
    assert support is not None
    assert json.loads(support.content) == {"version": "1", "place": "Käse"}
    assert support.media_type == "application/json"
    application.lines.clear()
    assert await application.system.system_log() is None


def test_what_the_application_knows_of_the_network() -> None:
    system = Application().system
    assert list(system.certificates()) == [Certificate("web", b"pem")]
    assert list(system.dns_servers()) == ["192.0.2.53"]
    assert list(system.gateways()) == list(system.ntp_servers()) == []
