"""TCP ports on the loopback interface."""

import errno
import os
import socket
from collections.abc import Mapping

from .errors import PortTaken, StackError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now. It is not reserved: another program may take it first."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def port_in(variable: str, default: int) -> int:
    """The port that an environment variable names."""
    value = os.environ.get(variable) or str(default)
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise StackError(f"{variable}={value} is not a port: give a number from 1 to 65535")
    return int(value)


def _obstacle(port: int) -> int | None:
    """The system's error number for binding this port; None if it can be bound."""
    with socket.socket() as probe:
        # As the servers do: a port with connections in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno
    return None


def require_free(ports: Mapping[str, int]) -> None:
    """Raise StackError for the first port that can't be bound. The keys are the variables that set each port."""
    for variable, port in ports.items():
        obstacle = _obstacle(port)
        if obstacle == errno.EACCES:
            raise StackError(f"port {port} is for root only: set {variable} to a port above 1023")
        if obstacle == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is taken: stop what listens there, or set {variable} to a free port")
        if obstacle is not None:
            raise StackError(f"port {port} can't be used ({os.strerror(obstacle)}): set {variable} to another port")
    for variable, port in ports.items():
        for other, other_port in ports.items():
            if variable < other and port == other_port:
                raise PortTaken(f"port {port} is asked for twice: give {variable} and {other} different ports")
