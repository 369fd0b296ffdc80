"""The device service's part about the host itself: power switch, papers, certificates, auxiliary commands."""

from __future__ import annotations

import ssl
from typing import Final

from onvif_server.backend import Backend, Document, FactoryDefault, Refusal, Refused, System
from onvif_server.memory import DeviceMemory
from onvif_server.security.access import Access
from onvif_server.services import catalogue
from onvif_server.services.refusals import as_faults
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, invalid_argument, not_supported
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import clean_text

LOG_PATH: Final = f"{catalogue.SYSTEM_PATH}log"
SUPPORT_PATH: Final = f"{catalogue.SYSTEM_PATH}support"


class DeviceSystemService:
    """Restart, factory default, log, support information, certificates, auxiliary commands."""

    def __init__(self, backend: Backend, memory: DeviceMemory) -> None:
        self._backend = backend
        self._memory = memory

    def _system(self, name: str) -> System:
        system = self._backend.system
        if system is None:
            raise not_supported(name)
        return system

    @operation(names.DEVICE, "SystemReboot", Access.UNRECOVERABLE)
    async def system_reboot(self, call: Call) -> Values:
        """Restarts the host soon."""
        with as_faults():
            return {"Message": clean_text(await self._system("SystemReboot").reboot(call.caller))}

    @operation(names.DEVICE, "SetSystemFactoryDefault", Access.UNRECOVERABLE)
    async def set_system_factory_default(self, call: Call) -> Values:
        """Forgets what was set."""
        system = self._system("SetSystemFactoryDefault")
        with as_faults():
            if not system.factory_default_allowed:
                raise Refused(Refusal.NOT_ALLOWED, "the host does not allow to reset it from here")
            await self._memory.forget()
            await system.factory_default(call.caller, FactoryDefault(call.value.FactoryDefault))
        return {}

    @operation(names.DEVICE, "GetSystemLog", Access.READ_SYSTEM_SECRET)
    async def get_system_log(self, call: Call) -> Values:
        """The newest lines of the log. There is none of accesses."""
        if call.value.LogType != "System":
            raise Fault("InvalidArgs", "AccesslogUnavailable", reason="the device keeps no log of accesses")
        document = await self._document("GetSystemLog", LOG_PATH)
        if document is None:
            raise Fault("InvalidArgs", "SystemlogUnavailable", reason="there is no log now")
        return {"SystemLog": {"String": _text(document)}}

    @operation(names.DEVICE, "GetSystemSupportInformation", Access.READ_SYSTEM_SECRET)
    async def get_system_support_information(self, call: Call) -> Values:
        """What helps to find a fault."""
        document = await self._document("GetSystemSupportInformation", SUPPORT_PATH)
        if document is None:
            raise Fault("InvalidArgs", "SupportInformationUnavailable", reason="there is no support information now")
        return {"SupportInformation": {"String": _text(document)}}

    @operation(names.DEVICE, "GetSystemUris", Access.READ_SYSTEM)
    async def get_system_uris(self, call: Call) -> Values:
        """Where log and support information are to be had, by HTTP GET with digest authentication."""
        self._system("GetSystemUris")
        return {
            "SystemLogUris": {"SystemLog": [{"Type": "System", "Uri": f"{call.base_url}{LOG_PATH}"}]},
            "SupportInfoUri": f"{call.base_url}{SUPPORT_PATH}",
        }

    async def _document(self, name: str, path: str) -> Document | None:
        self._system(name)
        with as_faults():
            return await read_document(self._backend, path)

    @operation(names.DEVICE, "GetCertificates", Access.READ_SYSTEM_SECRET)
    async def get_certificates(self, call: Call) -> Values:
        """The certificates of the host's TLS servers, never their keys."""
        return {
            "NvtCertificate": [
                {"CertificateID": one.identifier, "Certificate": {"Data": ssl.PEM_cert_to_DER_cert(one.pem.decode())}}
                for one in self._system("GetCertificates").certificates()
            ]
        }

    @operation(names.DEVICE, "GetCertificatesStatus", Access.READ_SYSTEM_SECRET)
    async def get_certificates_status(self, call: Call) -> Values:
        """All certificates that are told are in use."""
        certificates = self._system("GetCertificatesStatus").certificates()
        return {"CertificateStatus": [{"CertificateID": one.identifier, "Status": True} for one in certificates]}

    @operation(names.DEVICE, "SendAuxiliaryCommand", Access.ACTUATE)
    async def send_auxiliary_command(self, call: Call) -> Values:
        """Wipers, washers, lamps."""
        commands = self._backend.auxiliary_commands
        if not commands:
            raise not_supported("SendAuxiliaryCommand")
        command = str(call.value.AuxiliaryCommand)
        if command not in commands:
            raise invalid_argument("AuxiliaryDataNotSupported", f"the device knows {', '.join(commands)}")
        with as_faults():
            answer = await self._backend.auxiliary(call.caller, command)
        return {"AuxiliaryCommandResponse": clean_text(answer)[:128] or None}


async def read_document(backend: Backend, path: str) -> Document | None:
    """What is to be had at one of the two paths; None if there is nothing. Raises Refused."""
    if backend.system is None:
        return None
    return await (backend.system.system_log() if path == LOG_PATH else backend.system.support_information())


def _text(document: Document) -> str:
    return clean_text(document.content.decode("utf-8", "replace"))
