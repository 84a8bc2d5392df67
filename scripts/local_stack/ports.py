"""TCP ports on the loopback interface."""

import errno
import socket
from collections.abc import Mapping

from .errors import PortTaken

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now. It is not reserved: another program may still take it first."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections still linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def require_free(ports: Mapping[str, int]) -> None:
    """Raise PortTaken for the first port in use. The keys are the variables that move each port."""
    for variable, port in ports.items():
        if not is_free(port):
            raise PortTaken(f"port {port} is taken: stop what listens there, or set {variable} to a free port")
    for variable, port in ports.items():
        for other, other_port in ports.items():
            if variable < other and port == other_port:
                raise PortTaken(f"port {port} is asked for twice: give {variable} and {other} different ports")
