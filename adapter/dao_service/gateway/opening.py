"""Opens the gateway that the settings choose. It connects when it is first called."""

from typing import TYPE_CHECKING, TypedDict

from dao_service.contracts import CONTRACTS
from dao_service.gateway.postgrest import PostgrestGateway
from dao_service.gateway.protocol import Gateway
from dao_service.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from dao_service.gateway.postgres import PostgresGateway

_CONSTRAINTS = {contract.schema: contract.constraints for contract in CONTRACTS.values()}


class _Limits(TypedDict):
    timeout_seconds: float
    connections: int


def open_gateway(settings: Settings, connections: int | None = None) -> Gateway:
    """To Postgres if `DATABASE_URL` is set, else to PostgREST. With `connections` instead of the settings' number."""
    settings = settings.model_copy(update={"gateway_connections": connections or settings.gateway_connections})
    if settings.database_url is None:
        return PostgrestGateway(*settings.data_api, _CONSTRAINTS, **_limits(settings))
    return open_postgres(settings, settings.database_url)


def open_postgres(settings: Settings, url: "SecretStr") -> "PostgresGateway":
    """To Postgres at this URL. Raises `ModuleNotFoundError`, which names the extra, if asyncpg is not installed."""
    from dao_service.gateway.postgres import PostgresGateway  # noqa: PLC0415 (asyncpg is an extra)

    return PostgresGateway(url.get_secret_value(), _CONSTRAINTS, **_limits(settings))


def open_standbys(settings: Settings) -> list[Gateway]:
    """A gateway to each standby, of the same kind as that to the primary."""
    if settings.database_url is not None:
        return [open_postgres(settings, url) for url in settings.database_replica_urls]
    _, key = settings.data_api
    return [
        PostgrestGateway(url, key, _CONSTRAINTS, read_by_get=True, **_limits(settings)) for url in settings.postgrest_replica_urls
    ]


def _limits(settings: Settings) -> _Limits:
    return {"timeout_seconds": settings.gateway_timeout_seconds, "connections": settings.gateway_connections}
