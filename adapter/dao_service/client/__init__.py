"""A typed client of the REST door, for callers in other processes.

    async with FluxClient("http://localhost:8000", service_key=key) as flux:
        task = await flux.tasks.create(TaskCreate(user_id=user_id, title="Run 3 km"))
        async for open_task in flux.tasks.all(user_id=user_id, status=TaskStatus.PENDING):
            ...

`FluxClient` speaks contract 1.2, `FluxClient_1_0` contract 1.0. The models are those of `dao_service.generated`, the errors those
of `dao_service.errors`.
"""

from dao_service.generated.client_1_0 import FluxClient as FluxClient_1_0
from dao_service.generated.client_1_2 import FluxClient

__all__ = ["FluxClient", "FluxClient_1_0"]
