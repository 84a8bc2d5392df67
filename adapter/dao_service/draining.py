"""A stop that no request notices: on SIGTERM the service first asks callers to go elsewhere, and only then stops.

Rules. For `DRAIN_SECONDS`, `/ready` answers 503 and every response carries `Connection: close`, so that load balancers and callers
turn away while all requests are still served. After that the server's own handler of the signal runs: the listener closes, and the
requests under way end. A second SIGTERM ends the wait.

The handler is set in the lifespan, after the server has set its own. So this works for one worker or several, under `python -m
dao_service` or uvicorn's own command.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CLOSE = (b"connection", b"close")


class Draining:
    """Whether the service has been asked to stop."""

    def __init__(self, seconds: float) -> None:
        self.begun = False
        self._seconds = seconds

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Delay the server's handler of SIGTERM. Call it in the server's event loop."""
        servers = signal.getsignal(signal.SIGTERM)
        if not callable(servers) or not self._seconds or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def drain(number: int, frame: FrameType | None) -> None:
            if self.begun:
                servers(number, frame)
                return
            self.begun = True
            loop.call_soon_threadsafe(loop.call_later, self._seconds, servers, number, None)

        signal.signal(signal.SIGTERM, drain)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGTERM) is drain:
                signal.signal(signal.SIGTERM, servers)
