"""The adapter without its metrics, to measure what they cost."""

from dao_service.main import create_app
from dao_service.observing.metrics import Calls, Metrics
from dao_service.settings import load_settings


class Uncounted(Metrics):
    """Metrics that count nothing."""

    def count_request(self, contract: str, method: str, route: str, status: int, seconds: float) -> None:
        """Forget it."""

    def count_call(self, calls: Calls, operation: str, outcome: str, seconds: float) -> None:
        """Forget it."""


app = create_app(load_settings(), metrics=Uncounted())
