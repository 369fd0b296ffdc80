"""Users, their tokens, and the users of ONVIF and RTSP, as rows. Only hashes and sealed passwords come here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from engine.store.database import Database
from engine.store.tables import device_users, tokens, users


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user."""

    username: str
    password_hash: str = field(repr=False)
    role: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token; `token_hash` is the SHA-256 of it in hexadecimal. Without `expires_at` it lasts until revoked."""

    token_id: str
    token_hash: str = field(repr=False)
    username: str
    name: str
    created_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUserRecord:
    """A user of ONVIF and RTSP, whose password must be known for digest and is therefore kept encrypted."""

    username: str
    sealed_password: str = field(repr=False)
    role: str
    created_at: float


class Users:
    """The users. Every method raises StoreFailure when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> int:
        """How many users there are."""
        async with self._database.read("read the users") as connection:
            return await connection.scalar(select(func.count()).select_from(users)) or 0

    async def get(self, username: str) -> UserRecord | None:
        """A user by name."""
        async with self._database.read("read the users") as connection:
            found = await connection.execute(select(users).where(users.c.username == username))
            row = found.mappings().first()
        return None if row is None else UserRecord(**row)

    async def all(self) -> Sequence[UserRecord]:
        """All users, by name."""
        async with self._database.read("read the users") as connection:
            rows = await connection.execute(select(users).order_by(users.c.username))
            return [UserRecord(**row) for row in rows.mappings()]

    async def add(self, user: UserRecord, *, limit: int) -> bool:
        """Adds a user; False when there are `limit` users already, or one of that name."""
        async with self._database.write("store a user") as connection:
            known = (await connection.scalars(select(users.c.username))).all()
            if len(known) >= limit or user.username in known:
                return False
            await connection.execute(
                users.insert().values(
                    username=user.username,
                    password_hash=user.password_hash,
                    role=user.role,
                    created_at=user.created_at,
                )
            )
            return True

    async def set_password(self, username: str, password_hash: str) -> bool:
        """Replaces the hash and ends all tokens of the user; False when there is no such user."""
        async with self._database.write("store a password") as connection:
            found = await connection.execute(
                users.update().where(users.c.username == username).values(password_hash=password_hash)
            )
            await connection.execute(tokens.delete().where(tokens.c.username == username))
            return bool(found.rowcount)

    async def remove(self, username: str, *, role_to_keep: str) -> bool:
        """Removes a user and all their tokens; False when they are the last of that role, which must not die out."""
        async with self._database.write("remove a user") as connection:
            others = await connection.scalar(
                select(func.count())
                .select_from(users)
                .where(users.c.role == role_to_keep, users.c.username != username)
            )
            if not others:
                return False
            await connection.execute(users.delete().where(users.c.username == username))
            return True


class Tokens:
    """The tokens. Every method raises StoreFailure when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: TokenRecord, *, limit: int) -> bool:
        """Adds a token and forgets those of the user that have expired; False when the user has `limit` others."""
        async with self._database.write("store a token") as connection:
            of_user = tokens.c.username == token.username
            await connection.execute(tokens.delete().where(of_user, tokens.c.expires_at <= token.created_at))
            kept = await connection.scalar(select(func.count()).select_from(tokens).where(of_user))
            if (kept or 0) >= limit:
                return False
            await connection.execute(
                tokens.insert().values(
                    token_id=token.token_id,
                    token_hash=token.token_hash,
                    username=token.username,
                    name=token.name,
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                )
            )
            return True

    async def find(self, token_hash: str) -> tuple[TokenRecord, str] | None:
        """The token of a hash, and its user's role."""
        query = (
            select(tokens, users.c.role)
            .join(users, users.c.username == tokens.c.username)
            .where(tokens.c.token_hash == token_hash)
        )
        async with self._database.read("look up a token") as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        fields = dict(row)
        role: str = fields.pop("role")
        return TokenRecord(**fields), role

    async def of_user(self, username: str) -> Sequence[TokenRecord]:
        """The tokens of a user, oldest first."""
        query = select(tokens).where(tokens.c.username == username).order_by(tokens.c.created_at)
        async with self._database.read("read the tokens") as connection:
            return [TokenRecord(**row) for row in (await connection.execute(query)).mappings()]

    async def remove(self, username: str, token_id: str) -> bool:
        """Revokes a token of a user; False when there is no such token."""
        async with self._database.write("revoke a token") as connection:
            found = await connection.execute(
                tokens.delete().where(tokens.c.username == username, tokens.c.token_id == token_id)
            )
            return bool(found.rowcount)


class DeviceUsers:
    """The users of ONVIF and RTSP. Every method raises StoreFailure when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, user: DeviceUserRecord) -> None:
        """Adds a user, or replaces password and role of the one of that name."""
        values = {"sealed_password": user.sealed_password, "role": user.role}
        async with self._database.write("store a device user") as connection:
            updated = await connection.execute(
                device_users.update().where(device_users.c.username == user.username).values(values)
            )
            if not updated.rowcount:
                await connection.execute(
                    device_users.insert().values(username=user.username, created_at=user.created_at, **values)
                )

    async def all(self) -> Sequence[DeviceUserRecord]:
        """All of them, by name."""
        async with self._database.read("read the device users") as connection:
            rows = await connection.execute(select(device_users).order_by(device_users.c.username))
            return [DeviceUserRecord(**row) for row in rows.mappings()]

    async def remove(self, username: str) -> bool:
        """Removes one; False when there is none of that name."""
        async with self._database.write("remove a device user") as connection:
            found = await connection.execute(device_users.delete().where(device_users.c.username == username))
            return bool(found.rowcount)
