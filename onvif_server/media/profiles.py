"""Media profiles: a fixed one a channel, and those that clients create."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from onvif_server import tokens
from onvif_server.backend import Backend, Memory, Ptz, VideoChannel
from onvif_server.media.parts import Part, holders, parts_of, token_of
from onvif_server.soap.faults import Fault, action_failed, invalid_argument

_LOGGER = logging.getLogger(__name__)
_KEY: Final = "profiles"
MAXIMUM_CREATED: Final = 32
"""So many profiles clients can create besides the fixed ones."""
_MAXIMUM_TEXT: Final = 256


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: the configurations of one channel, or still empty (`channel` None)."""

    token: str
    name: str
    fixed: bool
    channel: str | None = None
    parts: frozenset[Part] = frozenset()


@dataclass(frozen=True, slots=True)
class _State:
    """What clients changed. `removed` and `names` speak of the fixed profiles, by channel."""

    created: dict[str, Profile] = field(default_factory=dict)
    removed: dict[str, frozenset[Part]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


type Addition = tuple[Part, str | None]
"""A kind of configuration to add, and its token; None: the one that fits best."""

type Listener = Callable[[str], None]
"""Is told the token of a profile that came, changed or went."""


class Profiles:
    """All profiles of a device. Changes raise Fault, and hold as soon as they are kept in the memory."""

    def __init__(self, backend: Backend, memory: Memory) -> None:
        self._backend = backend
        self._memory = memory
        self._listeners: list[Listener] = []
        self._changing = asyncio.Lock()
        self._state = _read(memory)

    def forget(self) -> None:
        """Goes back to what the memory holds, for somebody emptied it."""
        self._state = _read(self._memory)

    def listen(self, listener: Listener) -> None:
        """Calls `listener` for each change from now on."""
        self._listeners.append(listener)

    @property
    def maximum(self) -> int:
        """How many profiles there can be, the fixed ones among them."""
        return len(self._backend.channels) + MAXIMUM_CREATED

    def all(self) -> tuple[Profile, ...]:
        """The fixed profiles in the order of the channels, then the others in the order of their making."""
        found = {profile.token: profile for profile in map(self._fixed, self._backend.channels)}
        for token, profile in self._state.created.items():
            found.setdefault(token, self._living(profile))
        return tuple(found.values())

    def get(self, token: str) -> Profile:
        """One profile. Raises Fault (ter:NoProfile)."""
        for profile in self.all():
            if profile.token == token:
                return profile
        raise invalid_argument("NoProfile", f"there is no profile {token}")

    def channel_of(self, profile_token: str) -> VideoChannel:
        """The channel of a profile. Raises Fault: ter:NoProfile, ter:IncompleteConfiguration for an empty one."""
        channel = self.channel(self.get(profile_token))
        if channel is None:
            raise action_failed("IncompleteConfiguration", f"the profile {profile_token} is empty")
        return channel

    def channel(self, profile: Profile) -> VideoChannel | None:
        """The channel that a profile shows; None while it is empty."""
        return next((channel for channel in self._backend.channels if channel.token == profile.channel), None)

    def ptz_of(self, profile_token: str) -> tuple[VideoChannel, Ptz]:
        """The head that a profile moves. Raises Fault: ter:NoProfile, ter:NoPTZProfile."""
        profile = self.get(profile_token)
        channel = self.channel(profile)
        ptz = None if channel is None or Part.PTZ not in profile.parts else self._backend.ptz(channel.token)
        if channel is None or ptz is None:
            raise invalid_argument("NoPTZProfile", f"the profile {profile_token} has no PTZ configuration")
        return channel, ptz

    def use_count(self, part: Part, channel: str) -> int:
        """How many profiles hold a channel's configuration."""
        return sum(profile.channel == channel and part in profile.parts for profile in self.all())

    async def create(self, name: str, token: str | None = None, additions: Iterable[Addition] = ()) -> Profile:
        """A new profile. Raises Fault: ter:ProfileExists, ter:MaxNVTProfiles, and those of `add`."""
        async with self._changing:
            taken = {profile.token for profile in self.all()}
            if token in taken:
                raise invalid_argument("ProfileExists", f"there is a profile {token} already")
            if len(self._state.created) >= MAXIMUM_CREATED:
                raise action_failed("MaxNVTProfiles", f"no more than {MAXIMUM_CREATED} profiles can be created")
            chosen = token or next(name for name in map("profile-{}".format, itertools.count(1)) if name not in taken)
            profile = self._with(Profile(chosen, name, fixed=False), additions)
            await self._keep(replace(self._state, created=self._state.created | {chosen: profile}), chosen)
            return profile

    async def delete(self, token: str) -> None:
        """Removes a profile. Raises Fault: ter:NoProfile, ter:DeletionOfFixedProfile."""
        async with self._changing:
            if self.get(token).fixed:
                raise Fault("Action", "DeletionOfFixedProfile", reason=f"the profile {token} is fixed")
            created = {name: profile for name, profile in self._state.created.items() if name != token}
            await self._keep(replace(self._state, created=created), token)

    async def add(self, token: str, additions: Iterable[Addition], name: str | None = None) -> None:
        """Adds configurations, in the place of those of the same kind, and names the profile anew; all or nothing.

        Raises Fault: ter:NoProfile, ter:NoConfig, ter:ConfigurationConflict (a profile shows one channel only).
        """
        async with self._changing:
            profile = self._with(self.get(token), additions)
            await self._replace(replace(profile, name=name or profile.name))

    async def remove(self, token: str, parts: Iterable[Part]) -> None:
        """Takes configurations out; those that are not there do not matter. Raises Fault (ter:NoProfile)."""
        async with self._changing:
            profile = self.get(token)
            left = profile.parts - frozenset(parts)
            await self._replace(replace(profile, parts=left, channel=self._channel_with(profile, left)))

    @staticmethod
    def _channel_with(profile: Profile, parts: frozenset[Part]) -> str | None:
        # A fixed profile belongs to its channel for ever; another is free again when it is empty.
        return profile.channel if parts or profile.fixed else None

    def _with(self, profile: Profile, additions: Iterable[Addition]) -> Profile:
        for part, token in additions:
            others = profile.parts - {part}
            channel = self._source_of(part, token, self._channel_with(profile, others))
            profile = replace(profile, channel=channel, parts=others | {part})
        return profile

    def _source_of(self, part: Part, token: str | None, bound: str | None) -> str:
        """The channel whose configuration is meant, for a profile that is bound to a channel or free (None)."""
        having = [channel.token for channel in holders(self._backend, part)]
        named = [channel for channel in having if token is None or token_of(part, channel) == token]
        if not named:
            raise invalid_argument("NoConfig", f"there is no {part} configuration {token or 'at all'}")
        fitting = [channel for channel in named if bound in (None, channel)]
        if not fitting:
            raise Fault(
                "Action",
                "ConfigurationConflict",
                reason=f"the profile shows the channel {bound}, the configuration belongs to another",
                sender=False,
            )
        return fitting[0]

    async def _replace(self, profile: Profile) -> None:
        if profile == self.get(profile.token):
            return
        state = self._state
        if profile.fixed and profile.channel is not None:
            channel = next(channel for channel in self._backend.channels if channel.token == profile.channel)
            missing = parts_of(self._backend, channel) - profile.parts
            names = {**state.names, channel.token: profile.name}
            if profile.name == channel.name:
                del names[channel.token]  # follows the channel's name again
            state = replace(state, removed=state.removed | {channel.token: missing}, names=names)
        else:
            state = replace(state, created=state.created | {profile.token: profile})
        await self._keep(state, profile.token)

    async def _keep(self, state: _State, changed: str) -> None:
        try:
            await self._memory.write(_KEY, _written(state))
        except OSError as error:
            _LOGGER.warning("profiles cannot be kept: %s", error)
            raise Fault("Action", reason="the change cannot be stored", sender=False) from error
        self._state = state
        for listener in self._listeners:
            listener(changed)

    def _fixed(self, channel: VideoChannel) -> Profile:
        parts = parts_of(self._backend, channel) - self._state.removed.get(channel.token, frozenset())
        name = self._state.names.get(channel.token, channel.name)
        return Profile(tokens.profile(channel.token), name, fixed=True, channel=channel.token, parts=parts)

    def _living(self, profile: Profile) -> Profile:
        """A created profile without what the host has no more: channels and abilities may go at a restart."""
        channel = self.channel(profile)
        parts = frozenset() if channel is None else profile.parts & parts_of(self._backend, channel)
        return replace(profile, parts=parts, channel=profile.channel if parts else None)


def _written(state: _State) -> str:
    created = [
        {"token": profile.token, "name": profile.name, "channel": profile.channel, "parts": sorted(profile.parts)}
        for profile in state.created.values()
    ]
    removed = {channel: sorted(parts) for channel, parts in state.removed.items() if parts}
    return json.dumps({"created": created, "removed": removed, "names": state.names}, ensure_ascii=False)


def _read(memory: Memory) -> _State:
    try:
        text = memory.read(_KEY)
        return _State() if text is None else _state(json.loads(text))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _LOGGER.warning("what is kept of profiles cannot be used, only the fixed ones are there: %s", error)
        return _State()


def _state(kept: Any) -> _State:
    created = [_created(entry) for entry in kept["created"]]
    if len(created) > MAXIMUM_CREATED or len({profile.token for profile in created}) < len(created):
        raise ValueError("there are too many profiles, or two with one token")
    return _State(
        {profile.token: profile for profile in created},
        {_text(channel): _parts(parts) for channel, parts in kept["removed"].items()},
        {_text(channel): _text(name) for channel, name in kept["names"].items()},
    )


def _created(entry: Any) -> Profile:
    parts, channel = _parts(entry["parts"]), entry["channel"]
    if (channel is None) != (not parts):
        raise ValueError("a profile has configurations of no channel, or a channel without configurations")
    name = _text(entry["name"], minimum=0)
    return Profile(_text(entry["token"]), name, False, None if channel is None else _text(channel), parts)


def _parts(values: Any) -> frozenset[Part]:
    return frozenset(Part(value) for value in values)


def _text(value: Any, minimum: int = 1) -> str:
    if not isinstance(value, str) or not minimum <= len(value) <= _MAXIMUM_TEXT:
        raise ValueError(f"{value!r} is no text of at most {_MAXIMUM_TEXT} characters")
    return value
