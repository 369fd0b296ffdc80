"""Activation, users and tokens."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from argon2 import PasswordHasher

from engine.access.device_users import DeviceUsers
from engine.access.errors import AlreadyActivated, LockedOut, NotActivated, Refused, WrongCredentials
from engine.access.events import IllegalLogin
from engine.access.lockout import Lockout, LockoutSettings
from engine.access.passwords import PasswordHashes, require_strong
from engine.access.roles import Role
from engine.access.seal import Seal
from engine.access.sealed_notes import SealedNotes
from engine.core.bus import Bus
from engine.core.clock import Clock
from engine.core.events import new_id
from engine.store import Store, StoreFailure
from engine.store.accounts import TokenRecord, UserRecord

_AUDIT = logging.getLogger("engine.audit")
_TOKEN_PREFIX = "sptz_"  # noqa: S105 - lets scanners for leaked secrets recognise ours; it is no secret itself


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Limits. A session ends after `session_s`; each user has at most `tokens_a_user` sessions and tokens."""

    session_s: float = 12 * 3600.0
    tokens_a_user: int = 100
    users: int = 100
    lockout: LockoutSettings = field(default_factory=LockoutSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: a user, by one of their tokens."""

    username: str
    role: Role
    token_id: str
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login that worked."""

    identity: Identity
    token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A new long-lived token, shown this once."""

    token_id: str
    name: str
    token: str = field(repr=False)


class Access:
    """Decides who may. Raises AccessError, and StoreFailure when the store fails.

    Web users' passwords are kept as argon2 hashes, tokens as SHA-256 (they are random 256 bits, so nothing slower is
    needed). Every decision of weight leaves a line in the log `engine.audit`, never with a secret in it.
    """

    def __init__(
        self, store: Store, clock: Clock, settings: AccessSettings | None = None, hasher: PasswordHasher | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings or AccessSettings()
        self._hashes = PasswordHashes(hasher)
        self._activated = False
        self._seal: Seal | None = None
        self.lockout = Lockout(clock, self._settings.lockout)
        self.device_users = DeviceUsers(store, clock)
        self.illegal_logins: Bus[IllegalLogin] = Bus()

    async def open(self) -> None:
        """Reads what it needs from the (open) store."""
        self._activated = await self._store.users.count() > 0
        seal = await Seal.at(self._store.data_dir)
        await self.device_users.open(seal)
        self._seal = seal

    async def sealed_notes(self, subject: str) -> SealedNotes:
        """The sealed notes of a subject."""
        if self._seal is None:
            raise StoreFailure("read what was noted", "access is not opened")
        return await SealedNotes.opened(self._store, self._seal, subject)

    @property
    def activated(self) -> bool:
        """Whether there is an administrator."""
        return self._activated

    # --- activation and login ---------------------------------------------------------------------------------------

    async def activate(self, username: str, password: str, address: str) -> Session:
        """Makes the first administrator and logs them in. Raises AlreadyActivated, WeakPassword, LockedOut."""
        self.lockout.pace(address)
        if self._activated:
            raise AlreadyActivated("the engine is activated already: log in")
        require_strong(username, password)
        user = await self._user(username, password, Role.ADMINISTRATOR)
        # The limit of one makes the first of two simultaneous activations the only one.
        if not await self._store.users.add(user, limit=1):
            self._activated = True
            raise AlreadyActivated("the engine is activated already: log in")
        self._activated = True
        _AUDIT.info("activated by %r from %s", username, address)
        return await self._begin_session(user)

    async def login(self, username: str, password: str, address: str) -> Session:
        """Begins a session. Raises NotActivated, WrongCredentials, LockedOut."""
        if not self._activated:
            raise NotActivated("the engine is not activated: activate it first")
        user = await self._check_password(username, password, address)
        _AUDIT.info("login of %r from %s", username, address)
        return await self._begin_session(user)

    async def identify(self, token: str) -> Identity:
        """Whose token it is. Raises WrongCredentials for one that is unknown, revoked or has ended."""
        found = await self._store.tokens.find(_hash_of(token))
        if found is None:
            raise WrongCredentials("the token is not valid: log in again")
        record, role = found
        if record.expires_at is not None and record.expires_at <= self._clock.now():
            raise WrongCredentials("the session has ended: log in again")
        return Identity(
            username=record.username, role=Role(role), token_id=record.token_id, expires_at=record.expires_at
        )

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def create_token(self, identity: Identity, name: str) -> ApiToken:
        """A token that lasts until it is revoked, with the rights of its user. Raises Refused beyond the limit."""
        token_id, token = await self._add_token(identity.username, name, expires_at=None)
        _AUDIT.info("token %r (%s) made by %r", name, token_id, identity.username)
        return ApiToken(token_id=token_id, name=name, token=token)

    async def tokens_of(self, username: str) -> Sequence[TokenRecord]:
        """The sessions and tokens of a user that have not ended."""
        now = self._clock.now()
        return [t for t in await self._store.tokens.of_user(username) if t.expires_at is None or t.expires_at > now]

    async def revoke(self, identity: Identity, token_id: str) -> bool:
        """Ends one of the user's own sessions or tokens; False when there is no such."""
        revoked = await self._store.tokens.remove(identity.username, token_id)
        if revoked:
            _AUDIT.info("token %s revoked by %r", token_id, identity.username)
        return revoked

    # --- users ------------------------------------------------------------------------------------------------------

    async def users(self) -> Sequence[UserRecord]:
        """All users."""
        return await self._store.users.all()

    async def add_user(self, username: str, password: str, role: Role, *, by: str) -> UserRecord:
        """Makes a user. Raises WeakPassword, and Refused when the name is taken or there are too many."""
        require_strong(username, password)
        user = await self._user(username, password, role)
        if not await self._store.users.add(user, limit=self._settings.users):
            raise Refused(f"there is a user {username!r} already, or the limit of {self._settings.users} is reached")
        _AUDIT.info("user %r (%s) added by %r", username, role, by)
        return user

    async def remove_user(self, username: str, *, by: str) -> bool:
        """Removes a user with their tokens; False when there is none. Raises Refused for the last administrator."""
        if await self._store.users.get(username) is None:
            return False
        if not await self._store.users.remove(username, role_to_keep=Role.ADMINISTRATOR):
            raise Refused(f"{username!r} is the last administrator")
        _AUDIT.info("user %r removed by %r", username, by)
        return True

    async def change_password(self, identity: Identity, old: str, new: str, address: str) -> None:
        """Changes one's own password; all sessions and tokens end. Raises WrongCredentials, LockedOut, WeakPassword."""
        user = await self._check_password(identity.username, old, address)
        require_strong(user.username, new)
        await self._store.users.set_password(user.username, await self._hashes.hash(new))
        _AUDIT.info("password of %r changed by themselves from %s", user.username, address)

    async def reset_password(self, username: str, password: str) -> None:
        """Recovers a lost password, on the machine itself only (SITE-4). All sessions and tokens of the user end.

        Raises WeakPassword, and Refused when there is no such user: its message names those who are.
        """
        require_strong(username, password)
        if not await self._store.users.set_password(username, await self._hashes.hash(password)):
            names = ", ".join(f"{user.username} ({user.role})" for user in await self._store.users.all())
            raise Refused(f"there is no user {username!r}; the users are: {names or 'none, activate the engine first'}")
        self.lockout.forget_user(username)
        _AUDIT.info("password of %r reset on the machine itself", username)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _check_password(self, username: str, password: str, address: str) -> UserRecord:
        try:
            self.lockout.pace(address)
            user = await self._store.users.get(username)
            administrator = user is not None and user.role == Role.ADMINISTRATOR
            closing = self.lockout.count(username, address, administrator=administrator)
        except LockedOut:
            _AUDIT.warning("login of %r from %s refused: locked out", username, address)
            raise
        if not await self._hashes.matches(password, user.password_hash if user else None) or user is None:
            _AUDIT.warning("wrong password for %r from %s", username, address)
            if closing:
                self.report_lock(username, address)
            raise WrongCredentials("wrong user name or password")
        self.lockout.succeeded(username, address)
        return user

    def report_lock(self, username: str, address: str) -> None:
        """Tells that a lock closed: in the audit log, and to `illegal_logins`."""
        now, duration_s = self._clock.now(), self._settings.lockout.duration_s
        _AUDIT.warning("%r is locked out from %s for %d s", username, address, duration_s)
        self.illegal_logins.publish(
            IllegalLogin(at=now, username=username, address=address, locked_until=now + duration_s)
        )

    async def _user(self, username: str, password: str, role: Role) -> UserRecord:
        password_hash = await self._hashes.hash(password)
        return UserRecord(username=username, password_hash=password_hash, role=role.value, created_at=self._clock.now())

    async def _begin_session(self, user: UserRecord) -> Session:
        expires_at = self._clock.now() + self._settings.session_s
        token_id, token = await self._add_token(user.username, "session", expires_at=expires_at)
        identity = Identity(username=user.username, role=Role(user.role), token_id=token_id, expires_at=expires_at)
        return Session(identity=identity, token=token, expires_at=expires_at)

    async def _add_token(self, username: str, name: str, *, expires_at: float | None) -> tuple[str, str]:
        token = _TOKEN_PREFIX + secrets.token_urlsafe(32)
        record = TokenRecord(
            token_id=new_id(),
            token_hash=_hash_of(token),
            username=username,
            name=name,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        if not await self._store.tokens.add(record, limit=self._settings.tokens_a_user):
            raise Refused(f"{username!r} has {self._settings.tokens_a_user} sessions and tokens already: revoke some")
        return record.token_id, token


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
