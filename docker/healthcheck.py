"""The image's HEALTHCHECK: `python -IS healthcheck.py /ready`. It imports nothing of the package."""

import http.client
import os
import sys


def main() -> int:
    """Print the answer of the service on this machine. Returns 0 if it is 200, else 1."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["UVICORN_PORT"]), timeout=4)
    try:
        connection.request("GET", sys.argv[1])
        response = connection.getresponse()
        answer = f"{response.status} {response.read(200).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        response, answer = None, str(error)
    print(answer)
    return 0 if response and response.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
