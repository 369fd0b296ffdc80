"""Set-up in Home Assistant's user interface: where the engine is, and who we are there."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, Final, override

import probatio
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import (
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_SSL,
    CONF_TOKEN,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .client import (
    ApiError,
    CannotConnectError,
    InvalidAuthError,
    NotActivatedError,
    NotPermittedError,
    SmartPtzClient,
    base_url,
)
from .const import DEFAULT_PORT, DOMAIN, LOGGER
from .models import EngineInfo

_ADDRESS_KEYS: Final = (CONF_HOST, CONF_PORT, CONF_SSL, CONF_VERIFY_SSL)
_ADDRESS: Final = {
    probatio.Required(CONF_HOST): TextSelector(TextSelectorConfig(autocomplete="off")),
    probatio.Required(CONF_PORT, default=DEFAULT_PORT): cv.port,
    probatio.Required(CONF_SSL, default=False): bool,
    probatio.Required(CONF_VERIFY_SSL, default=True): bool,
}
_CREDENTIALS: Final = {
    probatio.Required(CONF_USERNAME): TextSelector(TextSelectorConfig(autocomplete="username")),
    probatio.Required(CONF_PASSWORD): TextSelector(
        TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
    ),
}
USER_SCHEMA: Final = probatio.Schema({**_ADDRESS, **_CREDENTIALS})
RECONFIGURE_SCHEMA: Final = probatio.Schema(_ADDRESS)
REAUTH_SCHEMA: Final = probatio.Schema(_CREDENTIALS)

_TOKEN_NAME_LENGTH: Final = 64


class SmartPtzConfigFlow(ConfigFlow, domain=DOMAIN):
    """The password is exchanged for a token at once and never stored."""

    VERSION = 1

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Asks for the address, user and password of an engine."""
        errors: dict[str, str] = {}
        placeholders = {"reason": ""}
        if user_input is not None:
            answer = await self._async_ask(self._async_log_in(user_input), errors, placeholders)
            if answer is not None:
                info, token = answer
                data = {key: user_input[key] for key in _ADDRESS_KEYS} | {CONF_TOKEN: token}
                await self.async_set_unique_id(info.instance_id, raise_on_progress=False)
                self._abort_if_unique_id_configured(updates=data)
                return self.async_create_entry(title=info.name, data=data)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(USER_SCHEMA, _without_password(user_input)),
            description_placeholders=placeholders,
            errors=errors,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Asks where the engine is now. The token stays, and is not shown to an engine that it does not belong to."""
        errors: dict[str, str] = {}
        placeholders = {"reason": ""}
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            info = await self._async_ask(self._async_reach(user_input), errors, placeholders)
            if info is not None:
                await self.async_set_unique_id(info.instance_id)
                self._abort_if_unique_id_mismatch(reason="another_engine")
                return self.async_update_reload_and_abort(entry, data_updates=user_input)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(RECONFIGURE_SCHEMA, user_input or entry.data),
            description_placeholders=placeholders,
            errors=errors,
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """The engine refused the token."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Asks for user and password again."""
        errors: dict[str, str] = {}
        entry = self._get_reauth_entry()
        placeholders = {"reason": "", "name": entry.title, "host": entry.data[CONF_HOST]}
        if user_input is not None:
            answer = await self._async_ask(self._async_log_in({**entry.data, **user_input}), errors, placeholders)
            if answer is not None:
                info, token = answer
                await self.async_set_unique_id(info.instance_id)
                self._abort_if_unique_id_mismatch(reason="another_engine")
                return self.async_update_reload_and_abort(entry, data_updates={CONF_TOKEN: token})
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(REAUTH_SCHEMA, _without_password(user_input)),
            description_placeholders=placeholders,
            errors=errors,
        )

    def _client(self, values: Mapping[str, Any]) -> SmartPtzClient:
        return SmartPtzClient(
            async_get_clientsession(self.hass, verify_ssl=values[CONF_VERIFY_SSL]),
            base_url(values[CONF_HOST], values[CONF_PORT], tls=values[CONF_SSL]),
        )

    async def _async_reach(self, values: Mapping[str, Any]) -> EngineInfo:
        """Which engine answers at the address."""
        info = await self._client(values).info()
        if not info.activated:
            raise NotActivatedError("the engine has no administrator yet")
        return info

    async def _async_log_in(self, values: Mapping[str, Any]) -> tuple[EngineInfo, str]:
        """Which engine answers at the address, and a token for it."""
        info = await self._async_reach(values)
        # The name by which people recognise the token in the engine, to revoke it.
        name = f"Home Assistant ({self.hass.config.location_name})"[:_TOKEN_NAME_LENGTH]
        token = await self._client(values).create_token(values[CONF_USERNAME], values[CONF_PASSWORD], name)
        return info, token

    @staticmethod
    async def _async_ask[T](
        question: Coroutine[Any, Any, T], errors: dict[str, str], placeholders: dict[str, str]
    ) -> T | None:
        """The answer; or None, with what to tell the user in `errors` and `placeholders`."""
        try:
            return await question
        except CannotConnectError as error:
            errors["base"] = "cannot_connect"
            placeholders["reason"] = str(error)
        except InvalidAuthError:
            errors["base"] = "invalid_auth"
        except NotActivatedError:
            errors["base"] = "not_activated"
        except NotPermittedError:
            errors["base"] = "not_permitted"
        except ApiError as error:
            errors["base"] = "refused"
            placeholders["reason"] = str(error)
        except Exception:  # noqa: BLE001 - a flow shows a message, whatever happens
            LOGGER.exception("Unexpected failure while setting up")
            errors["base"] = "unknown"
        return None


def _without_password(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was typed in, for the next try."""
    return {key: value for key, value in (values or {}).items() if key != CONF_PASSWORD}
