"""The service as a container runs it: `python -m dao_service`, with uvicorn's own options and `WEB_CONCURRENCY` workers.

Other than `uvicorn dao_service.main:app`, it limits the size of a request's head and the time that one may take (`http_protocol`).
"""

import os
import signal
import sys
from importlib.util import find_spec
from types import FrameType

import uvicorn

from dao_service.settings import load_settings


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    # Process 1 of a container ignores SIGTERM unless it has a handler, and uvicorn sets its own only once the service is
    # loaded. After a graceful stop uvicorn sends the signal again, to the handler that it found.
    signal.signal(signal.SIGTERM, _end)
    # The workers read the settings too, but a worker that ends for a wrong one is started again, and again.
    load_settings()
    if find_spec("httptools"):  # there is none for Windows, where uvicorn takes h11, which has limits of its own
        os.environ.setdefault("UVICORN_HTTP", "dao_service.rest.http_protocol:LimitedHttpProtocol")
    uvicorn.main(["dao_service.main:app", *sys.argv[1:]])


if __name__ == "__main__":
    main()
