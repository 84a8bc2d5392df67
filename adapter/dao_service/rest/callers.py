"""Who calls, and in which contract."""

import hmac

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.errors import BadRequestError, ForbiddenError
from dao_service.rest.request import Headers
from dao_service.settings import Settings

KEY = b"x-flux-service-key"
_ALWAYS_ALLOWED = "host.docker.internal"


class Callers:
    """Decides by `X-Flux-Service-Key` and `X-Flux-Contract`, as the contract's first table says."""

    def __init__(self, settings: Settings) -> None:
        self._pins = tuple((key.encode(), contract) for key, contract in settings.service_api_keys.items())
        self._contracts = {name.encode(): name for name in CONTRACTS}
        self._key_required = settings.require_service_key
        self._hosts = {name.lower().encode() for name in (_ALWAYS_ALLOWED, *settings.allowed_hosts)}

    def contract_of(self, method: str, headers: Headers) -> str:
        """The contract of a request.

        Raises `ForbiddenError` for an unknown key, for none if one is required, and for what another site's page in a browser
        sends without one; `BadRequestError` for an unknown contract. Every key is compared, in constant time.
        """
        pinned: str | None = None
        key = headers.get(KEY)
        if key is not None:
            for known, known_contract in self._pins:
                if hmac.compare_digest(key, known):
                    pinned = known_contract
            if pinned is None:
                raise ForbiddenError("The service key is unknown.")
        elif self._key_required:
            raise ForbiddenError("A service key is required, in the header X-Flux-Service-Key.")
        else:
            self._refuse_other_sites(method, headers)
        contract = headers.get(b"x-flux-contract")
        if contract is None:
            return pinned or DEFAULT_CONTRACT
        chosen = self._contracts.get(contract)
        if chosen is None:
            raise BadRequestError(f"X-Flux-Contract is one of {', '.join(CONTRACTS)}.")
        return chosen

    def _refuse_other_sites(self, method: str, headers: Headers) -> None:
        """Keep out pages of other sites, whose browsers pass the loopback interface that guards a service without keys.

        A page whose own name leads here (DNS rebinding) is of the same origin for its browser, and is known by that name. Any
        other page can't read an answer, but a browser sends some of its writes without asking first.
        """
        host = headers.get(b"host", b"").lower()
        name = host.partition(b":")[0]
        # Nobody can register an address or a name without a dot and let it lead here.
        rebindable = b"." in name and not name.replace(b".", b"").isdigit()
        if rebindable and name not in self._hosts and b"*" not in self._hosts:
            raise ForbiddenError("Without a service key, this host name is not served. ALLOWED_HOSTS can name it.")
        if method in ("GET", "HEAD"):
            return
        origin = headers.get(b"origin")
        own_page = origin is None or origin.lower().partition(b"://")[2] == host
        if not own_page or b"cross-site" in headers.get(b"sec-fetch-site", b""):
            raise ForbiddenError("Nothing here may be changed from another site's page without a service key.")
