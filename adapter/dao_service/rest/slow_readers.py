"""Callers who do not read their answers: how long, and how much, may wait in memory for them.

An answer that the socket does not accept at once waits in the transport, which calls `pause_writing`, and `resume_writing` once
nearly all of it is sent. uvicorn waits for that before it writes more, but without a limit, and one answer can have many megabytes.

Rules. A caller has `TAKEN_WITHIN_SECONDS` to read an answer. If the answers that wait exceed `MOST_WAITING_BYTES` in this process,
the callers who have been reading longest are cut off until they do not; the newest answer is always accepted.

Private parts of uvicorn that this module uses: `server_state` of `HttpToolsProtocol`, with the attribute `connections`.
"""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TAKEN_WITHIN_SECONDS = 30
MOST_WAITING_BYTES = 64 * 1024 * 1024


class BoundedAnswers(HttpToolsProtocol):
    """Cuts off callers who do not read."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # While an answer waits.
        self.reading_until: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.reading_until = self.loop.call_later(TAKEN_WITHIN_SECONDS, self.cut_off)
        others = [each for each in self.server_state.connections if isinstance(each, BoundedAnswers) and each is not self]
        self._keep_bounded([each for each in others if each.reading_until is not None])

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _keep_bounded(self, others: "list[BoundedAnswers]") -> None:
        waiting = self.transport.get_write_buffer_size() + sum(each.transport.get_write_buffer_size() for each in others)
        for other in sorted(others, key=BoundedAnswers._deadline_time):
            if waiting <= MOST_WAITING_BYTES:
                return
            waiting -= other.transport.get_write_buffer_size()
            other.cut_off()

    def _deadline_time(self) -> float:
        return self.reading_until.when() if self.reading_until else 0.0

    def cut_off(self) -> None:
        """Close the connection, with whatever waits."""
        self._stop_waiting()
        logging.getLogger("dao_service").warning("A caller did not read its answer in time: the connection is closed.")
        self.transport.abort()

    def _stop_waiting(self) -> None:
        if self.reading_until is not None:
            self.reading_until.cancel()
            self.reading_until = None
