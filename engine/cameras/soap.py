"""Speaks SOAP with one camera: one pool of connections, the camera's clock, its authentication, and clear errors.

Built on onvif-zeep-async, whose service descriptions and forgiving types know many cameras; its transport is replaced,
because it knows WS-UsernameToken only (Profile T cameras may accept HTTP digest alone), waits for 90 s, and reads
answers of any size.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import onvif
import zeep.exceptions
from onvif.util import is_auth_error, stringify_onvif_error

from engine.cameras.errors import CameraError, CameraFault, CameraRefused, CameraUnreachable
from engine.cameras.soap_http import (
    MAX_ANSWER_BYTES,
    TIMEOUT_S,
    CameraHttp,
    NotConnected,
    Scheme,
    TooLarge,
    Unauthorized,
    ZeepTransport,
    is_answer,
)
from engine.cameras.soap_services import Service, capability_addresses
from engine.cameras.urls import device_url, reachable_url
from engine.core.clock import Clock

MAX_PICTURE_BYTES = 32 * 1024 * 1024
PULL_S = 20.0
"""For so long a camera may keep a pull of events that brings none."""

REFUSALS_IN_A_ROW = 3
"""After so many refused calls nothing more is asked until the next `login`: nobody polls a user into a lock-out."""

# It writes a traceback for every value that does not parse; ours is one message, and not ten a second.
logging.getLogger("zeep.xsd").setLevel(logging.CRITICAL)

_CHECK_CREDENTIALS = "check username and password in the site file, and that the camera has an ONVIF user of that name"
_CHECK_NETWORK = "check that it has power and network, and its address and port in the site file"
_CHECK_ONVIF = "check that ONVIF is enabled on the camera and that the address is that of its ONVIF service"


class SoapClient:
    """One camera's services.

    `call` runs an operation; `login` finds out how to authenticate, with at most one attempt that carries the
    password. `name` is the camera's name for messages.
    """

    def __init__(
        self, name: str, address: str, username: str, password: str, clock: Clock, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.name = name
        try:
            self.url = device_url(address)
        except ValueError as error:
            host = address.rpartition("@")[2]
            raise CameraFault(name, host, f"bad address ({error})", "write host, host:port or a URL") from error
        self.address = urlsplit(self.url).netloc
        self.username = username
        self._password = password
        self._clock = clock
        self._http = CameraHttp(username, password, timeout_s)
        self._services: dict[Service, Any] = {}
        self._addresses: dict[Service, str] = {}
        self._scheme = Scheme.NONE
        self._digest_failed = False
        self._time_needs_user = False
        self._refusals = 0
        self.clock_offset_s = 0.0
        self.troubles = 0
        """How many questions got an answer that says nothing, so that the next one may say something else."""

    @property
    def clock(self) -> Clock:
        """What time it is for us, not for the camera."""
        return self._clock

    # --- the session -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Starts with fresh connections and no knowledge of the camera."""
        await self.close()
        self._http.open()
        self._use(Scheme.NONE)
        self._time_needs_user = False
        self._refusals = 0
        self.clock_offset_s = 0.0
        self._addresses = {Service.DEVICE: self.url}

    async def close(self) -> None:
        """Ends the connections."""
        services, self._services = self._services, {}
        for service in services.values():
            await service.close()
        await self._http.close()

    async def place(self, service: Service, url: str) -> None:
        """Says where a service is that the camera has made for us. Raises CameraFault."""
        self._addresses[service] = self.reachable(url)
        bound = self._services.pop(service, None)
        if bound is not None:
            await bound.close()

    def offers(self, service: Service) -> bool:
        """Whether the camera named an address for the service."""
        return service in self._addresses

    # --- calls -------------------------------------------------------------------------------------------------

    async def call(self, service: Service, operation: str, /, *, anonymous: bool = False, **parameters: Any) -> Any:
        """Runs an operation and returns zeep's value for its answer.

        Raises CameraUnreachable, CameraRefused, CameraFault.
        """
        if self._refusals >= REFUSALS_IN_A_ROW and not anonymous:
            raise self._refused(f"{operation} not asked, because the last calls were refused")
        try:
            answer = await self._send(service, operation, anonymous=anonymous, parameters=parameters)
        except CameraRefused:
            if not anonymous:
                self._refusals += 1
            raise
        if not anonymous:
            self._refusals = 0
        return answer

    async def call_extra(self, service: Service, operation: str, /, **parameters: Any) -> Any:
        """`call` for what the camera can do without: where our user has no right to just this, it is a CameraFault.

        Such a refusal is none of our user, and does not count as one.
        """
        try:
            return await self.call(service, operation, **parameters)
        except CameraRefused as error:
            await self._insist_on_user()
            advice = "give its user the right to do so, on the camera"
            raise CameraFault(self.name, self.address, error.what, advice) from error

    async def _insist_on_user(self) -> None:
        try:
            await self.call(Service.DEVICE, "GetDeviceInformation")
        except CameraRefused:
            self._ask_no_more()
            raise

    def _ask_no_more(self) -> None:
        """The user is refused, that is sure: whoever asks before the next login would bring it nearer to a lock-out."""
        self._refusals = REFUSALS_IN_A_ROW

    async def _send(self, service: Service, operation: str, *, anonymous: bool, parameters: dict[str, Any]) -> Any:
        try:
            bound = await self._service(service)
            plain = anonymous or self._scheme is not Scheme.TOKEN or not self.username
            proxy = bound.ws_client_authless if plain else bound.ws_client
            return await getattr(proxy, operation)(**parameters)
        except CameraError:
            raise
        except Unauthorized as error:
            raise self._refused(f"it refused {operation}") from error
        except Exception as error:
            # zeep raises anything at all on an answer that is not what it expects: it is the camera's fault.
            raise self._translate(operation, error) from error

    def _translate(self, operation: str, error: Exception) -> CameraError:
        if isinstance(error, NotConnected):
            return CameraUnreachable(self.name, self.address, "not connected", "wait until it is connected")
        if isinstance(error, TimeoutError):
            return self._unreachable(f"no answer to {operation} within {self._http.timeout_s:g} s")
        if isinstance(error, aiohttp.ClientConnectionError | OSError):
            return self._unreachable(f"{operation} could not be sent ({error})")
        if isinstance(error, zeep.exceptions.Fault):
            return self._translate_fault(operation, error)
        if isinstance(error, TooLarge):
            return self.fault(f"the answer to {operation} is larger than {MAX_ANSWER_BYTES // 2**20} MiB")
        return self.fault(f"the answer to {operation} is not ONVIF ({type(error).__name__})")

    def _translate_fault(self, operation: str, error: Exception) -> CameraError:
        reason = " ".join(stringify_onvif_error(error).split())[:300]
        if is_auth_error(error):
            return self._refused(f"it refused {operation} ({reason})")
        self.troubles += not is_answer(error)
        return CameraFault(self.name, self.address, f"{operation} failed: {reason}", "see the camera's manual")

    def _refused(self, what: str) -> CameraRefused:
        return CameraRefused(self.name, self.address, what, _CHECK_CREDENTIALS)

    def _unreachable(self, what: str) -> CameraUnreachable:
        return CameraUnreachable(self.name, self.address, what, _CHECK_NETWORK)

    def fault(self, what: str, advice: str = _CHECK_ONVIF) -> CameraFault:
        """The error for an answer that makes no sense."""
        self.troubles += 1
        return CameraFault(self.name, self.address, what, advice)

    @contextlib.contextmanager
    def making_sense(self, of: str) -> Iterator[None]:
        """Turns what reading a malformed answer raises into a CameraFault: `of` says what was read."""
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self.fault(f"its {of} makes no sense ({type(error).__name__}: {error})") from error

    async def _service(self, service: Service) -> Any:
        bound = self._services.get(service)
        if bound is None:
            if service not in self._addresses:
                raise self.fault(f"it has no {service.name.lower()} service", "use a camera that has one")
            namespace, description, binding = service.value
            bound = onvif.ONVIFService(
                self._addresses[service],
                self.username,
                self._password,
                str(description),
                no_cache=True,
                dt_diff=dt.timedelta(seconds=self.clock_offset_s),
                binding_name=f"{{{namespace}}}{binding}",
            )
            await bound.setup()
            bound.zeep_client.transport = bound.zeep_client_authless.transport = ZeepTransport(
                self._http, PULL_S if service is Service.PULL_POINT else 0.0
            )
            self._services[service] = bound
        return bound

    # --- getting to know the camera ----------------------------------------------------------------------------

    async def synchronise(self) -> None:
        """Measures how far the camera's clock is from ours, so that WS-UsernameTokens carry the time it expects.

        Needs no user by the standard. A camera that wants one is taken to have the right time before `login`.
        """
        sent = self._clock.now()
        try:
            answer = await self.call(Service.DEVICE, "GetSystemDateAndTime", anonymous=not self._time_needs_user)
        except CameraRefused:
            if self._scheme is not Scheme.NONE:
                raise
            self._time_needs_user = True
            return
        middle = (sent + self._clock.now()) / 2
        utc = getattr(answer, "UTCDateTime", None)
        if utc is None:
            return
        with self.making_sense("date and time"):
            day, time = utc.Date, utc.Time
            minute = dt.datetime(day.Year, day.Month, day.Day, time.Hour, time.Minute, tzinfo=dt.UTC)
            moment = minute + dt.timedelta(seconds=min(int(time.Second), 60))
        # Whole seconds: half a second on is the likeliest.
        self._set_offset(moment.timestamp() + 0.5 - middle)

    async def check(self) -> None:
        """Asks for the time: cheap, and it keeps the clock offset true. Raises when the camera is gone or refuses."""
        if self._refusals >= REFUSALS_IN_A_ROW:
            raise self._refused("it refused the last calls")
        await self.synchronise()

    def _use(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._http.digest = scheme is Scheme.DIGEST

    def _set_offset(self, offset_s: float) -> None:
        self.clock_offset_s = offset_s
        for bound in self._services.values():
            bound.zeep_client.wsse.dt_diff = dt.timedelta(seconds=offset_s)

    async def login(self) -> Any:
        """Finds out how the camera wants to be authenticated; returns the answer to GetDeviceInformation.

        The first request carries no credentials. A camera that answers it with a digest challenge gets HTTP digest;
        one that does not gets a WS-UsernameToken. If the digest is refused the token is tried at the *next* login, as
        some cameras check the two against different users: so no login sends the password more than once.
        """
        try:
            return await self._login()
        except CameraRefused:
            self._ask_no_more()
            raise

    async def _login(self) -> Any:
        self._refusals = 0
        if self._digest_failed:
            self._digest_failed = False
            return await self._login_by_token()
        self._use(Scheme.DIGEST)
        self._http.digest_sent = False
        try:
            answer = await self.call(Service.DEVICE, "GetDeviceInformation")
        except CameraRefused:
            if not self.username:
                raise
            if self._http.digest_sent:
                self._digest_failed = True
                raise
            return await self._login_by_token()
        # A camera that asked for nothing may still want to know who moves it.
        self._use(Scheme.DIGEST if self._http.digest_sent else Scheme.TOKEN)
        return answer

    async def _login_by_token(self) -> Any:
        self._use(Scheme.TOKEN)
        self._refusals = 0
        return await self.call(Service.DEVICE, "GetDeviceInformation")

    async def discover_services(self) -> None:
        """Learns the addresses of the services, by GetServices or, on old cameras, GetCapabilities."""
        try:
            listed = await self.call(Service.DEVICE, "GetServices", IncludeCapability=False)
            addresses = {str(one.Namespace): str(one.XAddr) for one in listed or ()}
        except CameraFault:
            addresses = {}
        if not addresses:
            addresses = capability_addresses(
                await self.call(Service.DEVICE, "GetCapabilities", Category="All"), self.fault
            )
        for service in Service:
            if service is not Service.DEVICE and service.namespace in addresses:
                self._addresses[service] = self.reachable(addresses[service.namespace])

    def reachable(self, url: str) -> str:
        """See `reachable_url`; raises CameraFault."""
        try:
            return reachable_url(url, self.url)
        except ValueError as error:
            raise self.fault(f"it names an impossible address ({error})") from error

    async def picture(self, url: str) -> bytes:
        """Fetches a JPEG by HTTP, with digest where asked for."""
        try:
            reply = await self._http.request("GET", url, None, {}, MAX_PICTURE_BYTES, picture=True)
        except Unauthorized as error:
            raise self._refused("it refused the snapshot") from error
        except (TimeoutError, aiohttp.ClientError, OSError, TooLarge) as error:
            raise self._translate("the snapshot", error) from error
        if reply.status_code != 200 or not reply.content.startswith(b"\xff\xd8"):
            raise self.fault(f"the snapshot is no JPEG (HTTP status {reply.status_code})", "use the video's pictures")
        return reply.content
