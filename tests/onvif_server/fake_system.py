"""A host's power switch and papers, and a way to change users, all in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onvif_server.backend import (
    Account,
    Caller,
    Certificate,
    Document,
    FactoryDefault,
    Level,
    Refusal,
    Refused,
    StaticUsers,
)


def self_signed(name: str) -> bytes:
    """A fresh certificate as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + dt.timedelta(days=3650))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class FakeSystem:
    """Keeps a list of what it was told to do."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.refusal: Refused | None = None
        self.factory_default_allowed = True
        self.log: Document | None = Document("12:00 started\n12:01 Käse\x00".encode())
        self.support: Document | None = Document(b'{"version": 1}', "application/json")
        self.pem = self_signed("camera")

    def _told(self, word: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.told.append(word)

    async def reboot(self, caller: Caller) -> str:
        self._told(f"reboot by {caller.username}")
        return "Restarting now"

    async def factory_default(self, caller: Caller, extent: FactoryDefault) -> None:
        self._told(f"{extent} default by {caller.username}")

    async def system_log(self) -> Document | None:
        if self.refusal is not None:
            raise self.refusal
        return self.log

    async def support_information(self) -> Document | None:
        return self.support

    def certificates(self) -> Sequence[Certificate]:
        return (Certificate("web", self.pem),)

    def dns_servers(self) -> Sequence[str]:
        return ("192.0.2.53", "2001:db8::53", "not an address")

    def gateways(self) -> Sequence[str]:
        return ("192.0.2.1", "2001:db8::1")

    def ntp_servers(self) -> Sequence[str]:
        return ("ntp.example.org", "192.0.2.123")


class FakeUserAdministration:
    """Changes the users of a `StaticUsers`. `admin` cannot be changed; six are the most."""

    def __init__(self, users: StaticUsers) -> None:
        self._accounts = users._accounts

    async def create(self, caller: Caller, username: str, password: str, level: Level) -> None:
        if len(password) < 8:
            raise Refused(Refusal.INVALID, "the password is too short")
        if len(self._accounts) >= 6:
            raise Refused(Refusal.TOO_MANY, "six users are the most")
        self._accounts[username] = Account(password, level)

    async def change(self, caller: Caller, username: str, password: str | None, level: Level) -> None:
        self._insist(username)
        if password is not None and len(password) < 8:
            raise Refused(Refusal.INVALID, "the password is too short")
        self._accounts[username] = Account(password or self._accounts[username].password, level)

    async def delete(self, caller: Caller, username: str) -> None:
        self._insist(username)
        del self._accounts[username]

    def _insist(self, username: str) -> None:
        if username == "admin":
            raise Refused(Refusal.NOT_ALLOWED, "the last administrator stays")
