"""`dao_service.client` against the running service: both contracts, pages, errors and retries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from dao_service.client import FluxClient, FluxClient_1_0
from dao_service.client import connection as client_connection
from dao_service.errors import (
    BadRequestError,
    ConflictError,
    DataServiceError,
    ForbiddenError,
    InternalError,
    InvalidError,
    MethodNotAllowedError,
    NotFoundError,
    PreconditionFailedError,
    TimeLimitError,
    UnavailableError,
)
from dao_service.generated import contract_1_0, contract_1_2
from dao_service.generated.contract_1_2 import (
    ConversationCreate,
    GoalCreate,
    MessageCreate,
    MilestoneStructure,
    TaskCreate,
    TaskStructure,
    TaskUpdate,
    UserCreate,
    UserUpdate,
)
from dao_service.generated.vocabulary import ContextType, MessageRole, TaskStatus

Answer = httpx.Response | Exception


@pytest.fixture
async def flux(service_url: str) -> AsyncIterator[FluxClient]:
    async with FluxClient(service_url) as client:
        yield client


@pytest.fixture
async def flux_1_0(service_url: str) -> AsyncIterator[FluxClient_1_0]:
    async with FluxClient_1_0(service_url, service_key="scheduler-key-def") as client:
        yield client


@pytest.fixture
async def user_id(flux: FluxClient) -> UUID:
    """A new user."""
    return (await flux.users.create(UserCreate(email=f"{uuid4().hex}@example.com"))).id


async def test_a_row_is_created_read_changed_and_deleted(flux: FluxClient, user_id: UUID) -> None:
    begins = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)

    created = await flux.tasks.create(TaskCreate(user_id=user_id, title="Run 3 km", scheduled_at=begins, duration_minutes=20))
    changed = await flux.tasks.update(created.id, TaskUpdate(status=TaskStatus.DONE, duration_minutes=None))
    found = await flux.tasks.get(str(created.id))
    await flux.tasks.delete(created.id)

    assert (created.status, created.scheduled_at, created.scheduled_end_at) == (
        TaskStatus.PENDING,
        begins,
        begins + timedelta(minutes=20),
    )
    assert (changed.status, changed.duration_minutes, changed.title) == (TaskStatus.DONE, None, "Run 3 km")
    assert changed.completed_at is not None
    assert found == changed
    with pytest.raises(NotFoundError):
        await flux.tasks.get(created.id)


async def test_unset_fields_of_a_model_are_not_sent(flux: FluxClient, user_id: UUID) -> None:
    await flux.users.update(user_id, UserUpdate(name="Lena", profile={"timezone": "Europe/Berlin"}))
    changed = await flux.users.update(user_id, UserUpdate(profile=None))

    assert (changed.name, changed.profile) == ("Lena", None)


async def test_listing_all_rows_reads_every_page(flux: FluxClient, user_id: UUID) -> None:
    titles = [f"Task {number}" for number in range(7)]
    for title in titles:
        await flux.tasks.create(TaskCreate(user_id=user_id, title=title))
    await flux.tasks.create(TaskCreate(user_id=user_id, title="Done", status=TaskStatus.DONE))

    page = await flux.tasks.page(user_id=user_id, page=2, page_size=3)
    every = [task.title async for task in flux.tasks.all(user_id=user_id, status=TaskStatus.PENDING, page_size=2)]

    both = await flux.tasks.page(user_id=user_id, status=[TaskStatus.DONE, TaskStatus.PENDING], page_size=1)
    found = await flux.tasks.page(user_id=user_id, status=[TaskStatus.DONE, TaskStatus.MISSED], scheduled_from=None)

    assert (page.total, page.page, len(page.items), page.has_next) == (8, 2, 3, True)
    assert (both.total, found.total) == (8, 1)
    assert every == titles[::-1]
    assert [task async for task in flux.tasks.all(user_id=uuid4())] == []


async def test_special_operations_have_methods(flux: FluxClient, user_id: UUID) -> None:
    goal = await flux.goals.create_with_structure(
        goal=GoalCreate(user_id=user_id, title="Run a half marathon"),
        milestones=[MilestoneStructure(week_number=1, title="Run", tasks=[TaskStructure(title="Run 3 km")])],
    )
    task_id = goal.tasks[0].id
    now = datetime.now(UTC)
    updated = await flux.tasks.bulk_update_status(task_ids=[task_id, uuid4()], new_status=TaskStatus.DONE)
    statistics = await flux.tasks.get_statistics(
        user_id=user_id, start_date=now - timedelta(days=1), end_date=now + timedelta(days=1)
    )
    in_range = await flux.tasks.get_by_timerange(user_id=user_id, start_at=now, end_at=now)
    linked = await flux.tasks.set_calendar_event(task_id, calendar_event_id="event-1")
    flags = await flux.demo_flags.put(user_id, escalation_speed=2.5)
    conversation = await flux.conversations.create(
        ConversationCreate(user_id=user_id, langgraph_thread_id=uuid4().hex, context_type=ContextType.VOICE)
    )
    await flux.messages.create(MessageCreate(conversation_id=conversation.id, role=MessageRole.USER, content="Hello"))
    closed = await flux.conversations.close_voice_session(conversation.id, extracted_intent="greet", duration_seconds=3)

    assert await flux.goals.get_with_structure(goal.id) == goal.model_copy(update={"tasks": [linked]})
    assert updated.updated_count == 1
    assert (statistics.total_tasks, statistics.by_status["done"], statistics.completion_rate) == (1, 1, 1.0)
    assert in_range == []
    assert linked.calendar_event_id == "event-1"
    assert (flags.escalation_speed, flags.virtual_now) == (2.5, None)
    assert [message.content for message in await flux.messages.list_messages(conversation_id=conversation.id)] == ["Hello"]
    assert (closed.extracted_intent, closed.duration_seconds, closed.linked_goal_id) == ("greet", 3, None)


async def test_a_change_of_a_row_that_another_has_changed_is_refused(
    flux: FluxClient, flux_1_0: FluxClient_1_0, user_id: UUID
) -> None:
    user, user_1_0 = await flux.users.get(user_id), await flux_1_0.users.get(user_id)
    changed = await flux_1_0.users.update(user_id, contract_1_0.UserUpdate(name="Lena"), if_match=user_1_0.updated_at)

    with pytest.raises(PreconditionFailedError, match="The row has changed since"):
        await flux.users.update(user_id, UserUpdate(name="Ada"), if_match=user.updated_at)
    with pytest.raises(PreconditionFailedError):
        await flux.users.delete(user_id, if_match=user.updated_at)
    with pytest.raises(NotFoundError):
        await flux.demo_flags.put(user_id, if_match=user.updated_at)
    assert (await flux.users.get(user_id)).name == "Lena"
    await flux.users.delete(user_id, if_match=changed.updated_at)


async def test_contract_1_0_has_its_own_client(flux: FluxClient, flux_1_0: FluxClient_1_0, user_id: UUID) -> None:
    goal = await flux_1_0.goals.create(contract_1_0.GoalCreate(user_id=user_id, title="Learn Spanish", category="learning"))
    task = await flux_1_0.tasks.create(
        contract_1_0.TaskCreate(user_id=user_id, goal_id=goal.id, title="Ten words", state=contract_1_0.TaskState.DRIFTED)
    )

    assert [each.id async for each in flux_1_0.tasks.all(state=contract_1_0.TaskState.DRIFTED, goal_id=goal.id)] == [task.id]
    assert (await flux.tasks.get(task.id)).status == TaskStatus.RESCHEDULED


async def test_the_contract_of_a_client_overrides_the_pin_of_its_key(service_url: str, user_id: UUID) -> None:
    async with FluxClient(service_url, service_key="scheduler-key-def") as client:
        assert isinstance(await client.users.get(user_id), contract_1_2.User)


async def test_errors_carry_the_status_and_detail_of_the_response(flux: FluxClient, service_url: str, user_id: UUID) -> None:
    email = (await flux.users.get(user_id)).email

    with pytest.raises(ConflictError, match="email") as conflict:
        await flux.users.create(UserCreate(email=email))
    assert conflict.value.errors[0]["field"] == "email"
    assert conflict.value.__notes__[0].startswith("X-Request-ID: ")
    with pytest.raises(InvalidError, match="user_id names no user") as invalid:
        await flux.tasks.create(TaskCreate(user_id=uuid4(), title="Run"))
    assert invalid.value.errors[0]["field"] == "user_id"
    with pytest.raises(BadRequestError, match="not both pairs"):
        await flux.tasks.page(skip=0, page=1)
    with pytest.raises(InvalidError, match="A UUID is expected"):
        await flux.tasks.get("the first")
    async with FluxClient(service_url, service_key="unknown") as stranger:
        with pytest.raises(ForbiddenError, match="unknown"):
            await stranger.users.page()


def _serve(*answers: Answer) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A service that sends these responses in turn: faults that are hard to provoke in the real one."""
    seen: list[httpx.Request] = []
    coming = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        following = coming.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    return httpx.MockTransport(answer), seen


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the client asked for. It does not wait."""
    found: list[float] = []

    async def pass_over(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(client_connection, "_wait", pass_over)
    return found


def _empty_page() -> httpx.Response:
    page = {"items": [], "total": 0, "page": 1, "page_size": 100, "has_next": False, "has_prev": False}
    return httpx.Response(200, json=page)


def _away(retry_after: str = "1") -> httpx.Response:
    return httpx.Response(503, json={"detail": "The database is busy."}, headers={"Retry-After": retry_after})


@pytest.mark.parametrize("fault", [_away, lambda: httpx.Response(502, text="<html>"), lambda: httpx.ReadError("reset")])
async def test_a_failed_read_is_retried(fault: Callable[[], Answer], pauses: list[float]) -> None:
    transport, seen = _serve(fault(), fault(), _empty_page())
    async with FluxClient("http://flux", transport=transport) as client:
        assert (await client.users.page()).total == 0

    assert len(seen) == 3
    assert len(pauses) == 2
    assert all(0 < pause <= 2 for pause in pauses)


async def test_the_client_pauses_as_long_as_retry_after_says(pauses: list[float]) -> None:
    transport, _ = _serve(_away("4"), _empty_page())
    async with FluxClient("http://flux", transport=transport) as client:
        await client.users.page()

    assert pauses == [4.0]


async def test_a_read_fails_after_its_last_attempt_or_if_the_pause_would_be_too_long(pauses: list[float]) -> None:
    transport, seen = _serve(_away(), _away(), _away("3600"))
    async with FluxClient("http://flux", transport=transport, read_attempts=2) as client:
        with pytest.raises(UnavailableError, match="The database is busy"):
            await client.users.page()
        with pytest.raises(UnavailableError):
            await client.users.page()

    assert (len(seen), len(pauses)) == (3, 1)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (_away(), UnavailableError),
        (httpx.ReadTimeout("late"), UnavailableError),
        (httpx.Response(504, json={"detail": "Too long."}), TimeLimitError),
        (httpx.Response(418, text="teapot"), DataServiceError),
    ],
)
async def test_a_failed_write_is_not_retried(fault: Answer, expected: type[DataServiceError], pauses: list[float]) -> None:
    transport, seen = _serve(fault)
    async with FluxClient("http://flux", transport=transport) as client:
        with pytest.raises(expected):
            await client.users.create(UserCreate(email="lena@example.com"))

    assert (len(seen), pauses) == (1, [])


class _LosingAnswers(httpx.AsyncHTTPTransport):
    """The connection breaks each time after the service has answered for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.keys.append(request.headers.get("Idempotency-Key"))
        if self.keys.count(self.keys[-1]) == 1:
            await response.aread()
            raise httpx.ReadError("reset")
        return response


async def test_a_write_is_retried_under_a_key_and_happens_once(service_url: str, user_id: UUID, pauses: list[float]) -> None:
    transport = _LosingAnswers()
    async with FluxClient(service_url, transport=transport, retry_writes=True) as client:
        created = [await client.tasks.create(TaskCreate(user_id=user_id, title=str(nth))) for nth in range(3)]
        own = await client.tasks.create(TaskCreate(user_id=user_id, title="own"), idempotency_key=uuid4())
        listed = [task async for task in client.tasks.all(user_id=user_id)]
        transport.keys.clear()
        with pytest.raises(UnavailableError):  # A change has no key and is not retried.
            await client.tasks.update(own.id, TaskUpdate(title="x"))

    assert sorted(listed, key=lambda task: task.created_at) == [*created, own]
    assert transport.keys == [None]


@pytest.mark.parametrize("status", [409, 503, 504])
async def test_a_keyed_write_waits_for_one_under_way_and_asks_again(status: int, pauses: list[float], user_id: UUID) -> None:
    transport, seen = _serve(httpx.Response(status, json={"detail": "x"}, headers={"Retry-After": "1"}), _empty_page())
    async with FluxClient("http://flux", transport=transport, retry_writes=True) as client:
        with pytest.raises(DataServiceError, match="not by its contract"):
            await client.tasks.create(TaskCreate(user_id=user_id, title="x"))

    assert len(seen) == 2
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1


async def _refusal_of(answer: httpx.Response, pauses: list[float]) -> DataServiceError:
    """The error of a read whose every attempt gets this response."""
    transport, _ = _serve(answer, answer, answer)
    async with FluxClient("http://flux", transport=transport) as client:
        with pytest.raises(DataServiceError) as refused:
            await client.users.page()
    return refused.value


async def test_an_internal_error_of_the_service_is_raised_as_one(pauses: list[float]) -> None:
    said = InternalError("XX000").detail

    error = await _refusal_of(httpx.Response(500, json={"detail": said}, headers={"X-Request-ID": "r-1"}), pauses)

    assert isinstance(error, InternalError)
    assert (error.status, error.detail, str(error)) == (500, said, said)
    # The service writes the cause to its log and not into the response.
    assert (error.cause_code, error.of_the_database) == ("HTTP 500", False)
    assert error.__notes__ == ["X-Request-ID: r-1"]


async def test_a_405_response_is_raised_with_its_detail_and_status(pauses: list[float]) -> None:
    error = await _refusal_of(httpx.Response(405, json={"detail": "…"}, headers={"Allow": "PATCH, GET"}), pauses)

    assert isinstance(error, MethodNotAllowedError)
    assert (error.status, error.detail) == (405, "This path has the methods GET, PATCH.")
    assert error.headers == ((b"allow", b"GET, PATCH"),)


@pytest.mark.parametrize("status", [301, 304, 402, 405, 418, 429, 502])
async def test_an_unknown_error_status_is_kept_on_the_error(status: int, pauses: list[float]) -> None:
    error = await _refusal_of(httpx.Response(status, text="<html>"), pauses)

    assert (error.status, error.errors) == (status, ())
    assert error.detail.startswith(f"The service answered {status}")


async def test_errors_do_not_share_their_status(pauses: list[float]) -> None:
    await _refusal_of(httpx.Response(429), pauses)

    assert DataServiceError("x").status == 500


async def test_a_redirect_raises_an_error_about_the_address(pauses: list[float]) -> None:
    error = await _refusal_of(httpx.Response(301, headers={"Location": "https://flux/api/v1/users/"}), pauses)

    assert error.detail == "The service answered 301, a redirect: base_url is not the address of the service itself."


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, html="<html>Log in</html>"), httpx.Response(200, json={"detail": "x"}), httpx.Response(200)],
    ids=["a page", "other JSON", "nothing"],
)
async def test_a_success_that_the_service_would_not_send_is_an_error(answer: httpx.Response, pauses: list[float]) -> None:
    error = await _refusal_of(answer, pauses)

    assert type(error) is DataServiceError
    assert error.status == 500
    assert error.detail.startswith("The service answered 200, but not by its contract")


@pytest.mark.parametrize("errors", [None, 1, [1], [{"field": "email"}]])
async def test_problems_in_an_unknown_form_are_ignored(errors: Any, pauses: list[float]) -> None:
    error = await _refusal_of(httpx.Response(422, json={"detail": "No.", "errors": errors}), pauses)

    assert isinstance(error, InvalidError)
    assert error.errors == ()


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_client_with_no_attempts_is_refused(attempts: int) -> None:
    with pytest.raises(ValueError, match="read_attempts"):
        FluxClient("http://flux", read_attempts=attempts)


async def test_many_calls_at_once_share_the_connections(service_url: str, user_id: UUID) -> None:
    async with FluxClient(service_url, connections=4) as client:
        found: list[Any] = await asyncio.gather(*(client.users.get(user_id) for _ in range(40)))

    assert {user.id for user in found} == {user_id}
