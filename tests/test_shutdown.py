"""The end of the service, even if something has gone wrong before."""

import pytest

from local_stack import LocalStack
from tests.in_process.sessions import RUNNING, run_python

SOURCE = """
import asyncio, os
from dao_service.gateway.opening import open_gateway
from dao_service.main import create_app
from dao_service.observing.metrics import Metrics
from dao_service.settings import load_settings

class Closing:
    def __init__(self, gateway):
        self._gateway = gateway
    def __getattr__(self, name):
        return getattr(self._gateway, name)
    async def close(self):
        await self._gateway.close()
        print("closed")

class Sharing(Metrics):
    async def share(self):
        if "FAILS" in os.environ:
            raise OSError("cannot share")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            print("ended")

async def main():
    settings = load_settings()
    app = create_app(settings, Closing(open_gateway(settings)), Sharing())
    try:
        async with running(app):
            await asyncio.sleep(0)
    except OSError as error:
        print(error)
    print(len(asyncio.all_tasks()))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("fails", "said"),
    [(False, "ended\nclosed\n1\n"), (True, "closed\ncannot share\n1\n")],
    ids=["as usual", "sharing the metrics has failed"],
)
def test_the_service_awaits_its_tasks_reports_failures_and_closes_its_connections(
    fails: bool, said: str, stack: LocalStack
) -> None:
    environment = {**stack.adapter_environment(), "LOG_LEVEL": "error"} | ({"FAILS": "yes"} if fails else {})

    assert run_python(RUNNING + SOURCE, environment) == said
