"""Settings, read from the environment once, at start."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dao_service.contracts import CONTRACTS

_CONTRACT_OF_A_LIST = "1.0"


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, too
        usable = False
    if not usable:
        raise ValueError("is not an http or https URL")
    return value.rstrip("/")


def _data_api_url(value: str) -> str:
    return value if value.startswith("unix:/") else _http_url(value)


def _database_url(value: str) -> str:
    url = value.replace("postgresql+asyncpg://", "postgresql://", 1)
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("is not a postgresql:// URL")
    return url


def _header_value(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("has characters that no key has, such as a space or a line break")
    return value


DataApiUrl = Annotated[str, AfterValidator(_data_api_url)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]


def _service_keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        keys = json.loads(value or "{}")
    except ValueError:
        raise ValueError("is neither a JSON object, key to contract, nor a JSON list of keys") from None
    if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
        keys = dict.fromkeys(keys, _CONTRACT_OF_A_LIST)
    if not isinstance(keys, dict):
        raise ValueError("is neither a JSON object, key to contract, nor a JSON list of keys")
    if "" in keys:
        raise ValueError("has an empty key")
    if not all(isinstance(contract, str) and contract in CONTRACTS for contract in keys.values()):
        raise ValueError(f"pins a key to a contract that is none of {', '.join(CONTRACTS)}")
    return keys


def _database_urls(value: Any) -> Any:
    # One URL may name several hosts, separated by commas too.
    return tuple(re.split(r"\s*,\s*(?=postgres)", value.strip())) if isinstance(value, str) else value


def _names(value: Any) -> Any:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Everything that a deployment can set. Each field is the environment variable of the same name, in capitals.

    What should not stand in the environment can stand in a file: one a setting, named as the field, in the folder `SECRETS_DIR`.
    """

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, env_ignore_empty=True)

    supabase_url: Annotated[str, AfterValidator(_http_url)] | None = None
    """The Supabase project; its Data API is expected under `/rest/v1`."""
    supabase_service_role_key: Annotated[SecretStr, AfterValidator(_header_value)] | None = None
    """The project's service-role JWT or `sb_secret_…` key."""
    postgrest_url: DataApiUrl | None = None
    """PostgREST itself, where it is not behind `SUPABASE_URL`: an http URL, or `unix:/path` of its socket."""
    database_url: DatabaseUrl | None = None
    """Postgres itself; where it is set, it is used instead of PostgREST."""
    database_replica_urls: Annotated[tuple[DatabaseUrl, ...], NoDecode, BeforeValidator(_database_urls)] = ()
    """Standbys of `DATABASE_URL`, separated by commas: reads go to one of them that is far enough."""
    postgrest_replica_urls: Annotated[tuple[DataApiUrl, ...], NoDecode, BeforeValidator(_names)] = ()
    """PostgREST on standbys, separated by commas, where the Data API is used: reads go to one of them that is far enough."""
    service_api_keys: Annotated[dict[str, str], NoDecode, BeforeValidator(_service_keys)] = {}
    """Service keys and the contract that each is pinned to. A JSON list pins all of its keys to 1.0."""
    require_service_key: bool = True
    """Whether a request without `X-Flux-Service-Key` is refused."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()
    """Dotted host names, separated by commas, under which callers without a key reach the service; `*` allows every name."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 1024 * 1024
    """Largest request body, in bytes."""
    gateway_timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    """Longest that one call to the database may take, in seconds. Keep it above the database's own statement_timeout."""
    gateway_connections: Annotated[int, Field(ge=1)] = 20
    """Most connections that this process holds to PostgREST or Postgres. One of them is kept for `/ready`."""
    drain_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0
    """How long `/ready` says no, and requests are still served, between SIGTERM and the end of listening, in seconds."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto` writes text to a terminal and JSON elsewhere."""

    @model_validator(mode="after")
    def _has_a_way_to_the_database(self) -> Self:
        if self.database_url is None:
            if self.database_replica_urls:
                raise ValueError("DATABASE_REPLICA_URLS are the standbys of DATABASE_URL: set it, or POSTGREST_REPLICA_URLS.")
            if self.supabase_url is None and self.postgrest_url is None:
                raise ValueError("Set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY, or DATABASE_URL.")
            if self.supabase_service_role_key is None:
                raise ValueError("Set SUPABASE_SERVICE_ROLE_KEY beside SUPABASE_URL.")
        return self

    @property
    def data_api(self) -> tuple[str, str]:
        """Where PostgREST answers, and the key to it."""
        key = self.supabase_service_role_key.get_secret_value() if self.supabase_service_role_key else ""
        return self.postgrest_url or f"{self.supabase_url}/rest/v1", key


class DirectSettings(Settings):
    """The settings of a process that goes straight to Postgres."""

    database_url: DatabaseUrl


SettingsT = TypeVar("SettingsT", bound=Settings)


class SettingsError(ValueError):
    """A setting is wrong or missing. Says it in one readable line, which never shows a value."""


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Read the settings of this kind; raises `SettingsError`."""
    secrets_dir = os.environ.get("SECRETS_DIR") or None
    if secrets_dir and not Path(secrets_dir).is_dir():  # pydantic-settings would only warn
        raise SettingsError("flux-dao-service: SECRETS_DIR: is not a folder")
    try:
        return kind(_secrets_dir=secrets_dir)
    except ValidationError as error:
        problems = [_sentence(each) for each in error.errors(include_url=False, include_input=False, include_context=False)]
        raise SettingsError(f"flux-dao-service: {'; '.join(problems)}") from None


def load_settings() -> Settings:
    """Read the settings; a wrong one ends the process with one readable line."""
    try:
        return read_settings(Settings)
    except SettingsError as error:
        sys.exit(str(error))


def _sentence(problem: ErrorDetails) -> str:
    message = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
    return f"{str(problem['loc'][0]).upper()}: {message}" if problem["loc"] else message
