"""The service as a container runs it: `python -m dao_service`, with uvicorn's own options and `WEB_CONCURRENCY` workers.

`uvicorn dao_service.main:app` does less: here the size of a request's head and the time that it may take are limited, ambiguous
heads are refused and offers to upgrade ignored (`rest/http_protocol.py`), and several workers count together
(`observing/metrics.py`).
"""

import os
import signal
import sys
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn

from dao_service.observing.metrics import FOLDER
from dao_service.settings import load_settings


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _workers(arguments: list[str]) -> int:
    """How many workers uvicorn will start."""
    chosen = uvicorn.main.make_context(None, list(arguments), resilient_parsing=True).params["workers"]
    return int(chosen or os.environ.get("WEB_CONCURRENCY") or 1)


def main() -> None:
    # Process 1 of a container ignores SIGTERM unless it has a handler, and uvicorn sets its own only once the service is
    # loaded. After a graceful stop uvicorn sends the signal again, to the handler that it found.
    signal.signal(signal.SIGTERM, _end)
    # The workers read the settings too, but uvicorn starts a worker that ends because of a wrong one again and again.
    load_settings()
    if find_spec("httptools"):  # not on Windows, where uvicorn takes h11, which has limits of its own
        os.environ.setdefault("UVICORN_HTTP", "dao_service.rest.http_protocol:LimitedHttpProtocol")
    arguments = ["dao_service.main:app", *sys.argv[1:]]
    with ExitStack() as at_the_end:
        if _workers(arguments) > 1:
            with suppress(OSError):  # if nothing can be written, each worker counts alone
                folder = TemporaryDirectory(prefix="flux-metrics-", ignore_cleanup_errors=True)
                os.environ[FOLDER] = at_the_end.enter_context(folder)
        uvicorn.main(arguments)


if __name__ == "__main__":
    main()
