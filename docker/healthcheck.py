"""What the image's HEALTHCHECK runs, as a file and with nothing of the package imported: `python -IS healthcheck.py /ready`."""

import http.client
import os
import sys


def main() -> int:
    """0 when the service on this machine answers 200 on the path, else 1 and one line."""
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
