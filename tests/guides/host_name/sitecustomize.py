"""Resolves the guides' http://flux-dao-service:8000 to the tested service, in a process whose PYTHONPATH has this folder.

Python runs it at start. FLUX_EXAMPLE_ADDRESS is the service's real `host:port`.
"""

import os
import socket
from typing import Any

_NAME, _PORT = "flux-dao-service", 8000
# An address reserved for documentation.
_STAND_IN = "192.0.2.1"
_host, _, _port = os.environ["FLUX_EXAMPLE_ADDRESS"].partition(":")
_getaddrinfo, _connect = socket.getaddrinfo, socket.socket.connect


def _resolve(host: Any, *arguments: Any, **options: Any) -> Any:
    return _getaddrinfo(_STAND_IN if host in (_NAME, _NAME.encode()) else host, *arguments, **options)


def _connect_to_service(self: socket.socket, address: Any) -> None:
    _connect(self, (_host, int(_port)) if address == (_STAND_IN, _PORT) else address)


socket.getaddrinfo = _resolve
socket.socket.connect = _connect_to_service  # type: ignore[assignment,method-assign]
