"""Who calls, and in which contract."""

import hmac

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.errors import BadRequestError, ForbiddenError
from dao_service.rest.request import Headers
from dao_service.settings import Settings


class Callers:
    """Decides by `X-Flux-Service-Key` and `X-Flux-Contract`, as the contract's first table says."""

    def __init__(self, settings: Settings) -> None:
        self._pins = tuple((key.encode(), contract) for key, contract in settings.service_api_keys.items())
        self._contracts = {name.encode(): name for name in CONTRACTS}
        self._key_required = settings.require_service_key

    def contract_of(self, method: str, headers: Headers) -> str:
        """The contract of a request.

        Raises `ForbiddenError` for an unknown key, for none where one is required, and for what a page of another site would
        change without one; `BadRequestError` for an unknown contract. Every key is compared, in constant time.
        """
        pinned: str | None = None
        key = headers.get(b"x-flux-service-key")
        if key is not None:
            for known, known_contract in self._pins:
                if hmac.compare_digest(key, known):
                    pinned = known_contract
            if pinned is None:
                raise ForbiddenError("The service key is unknown.")
        elif self._key_required:
            raise ForbiddenError("A service key is required, in the header X-Flux-Service-Key.")
        elif method != "GET" and b"cross-site" in headers.get(b"sec-fetch-site", b""):
            # A browser sends some POSTs for any page, without asking first, and so past the loopback interface that is the only
            # guard of a service without keys. What it reads so, the page does not get to see.
            raise ForbiddenError("A page of another site may not change anything here without a service key.")
        contract = headers.get(b"x-flux-contract")
        if contract is None:
            return pinned or DEFAULT_CONTRACT
        chosen = self._contracts.get(contract)
        if chosen is None:
            raise BadRequestError(f"X-Flux-Contract is one of {', '.join(CONTRACTS)}.")
        return chosen
