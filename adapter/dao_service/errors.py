"""The errors of the service. The only place that translates the codes of Postgres and PostgREST into them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from dao_service.bindings import Constraint

NO_CODE = "HTTP"
"""The beginning of `cause_code` if the answer came neither from Postgres nor from PostgREST."""
UNREACHABLE = "The database cannot be reached. Try again in a moment."
SATURATED = "The database is busy or not ready. Try again in a moment."


class FieldProblem(TypedDict):
    """One problem of one field."""

    field: str
    message: str


class DataServiceError(Exception):
    """Base of this service's errors. `detail` is one sentence that a person can act on."""

    status: int = 500
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, detail: str, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class BadRequestError(DataServiceError):
    """The request contradicts itself or is not JSON."""

    status = 400


class ForbiddenError(DataServiceError):
    """The service key is unknown, or missing where one is required."""

    status = 403


class NotFoundError(DataServiceError):
    """There is no row with that id."""

    status = 404


class MethodNotAllowedError(DataServiceError):
    """The path exists, but not with this method."""

    status = 405

    def __init__(self, methods: Iterable[str]) -> None:
        allowed = ", ".join(sorted(methods))
        super().__init__(f"This path has the method{'s' if ',' in allowed else ''} {allowed}.")
        self.headers = ((b"allow", allowed.encode()),)


class SlowBodyError(DataServiceError):
    """The body did not arrive in time. The connection is closed, because the rest of the body may still arrive on it."""

    status = 408
    headers = ((b"connection", b"close"),)

    def __init__(self) -> None:
        super().__init__("The body did not arrive in time.")


class ConflictError(DataServiceError):
    """A unique value is taken."""

    status = 409


class UnderWayError(ConflictError):
    """A request with this `Idempotency-Key` is under way."""

    headers = ((b"retry-after", b"1"),)


class PreconditionFailedError(DataServiceError):
    """`If-Match` does not name the row's `ETag`: somebody has changed the row."""

    status = 412


class BodyTooLargeError(DataServiceError):
    """The body is over the limit."""

    status = 413


class UnsupportedMediaTypeError(DataServiceError):
    """The body is not declared as JSON, or is compressed."""

    status = 415


class InvalidError(DataServiceError):
    """A field fails validation, or names a row that does not exist or belongs to another user."""

    status = 422


class InternalError(DataServiceError):
    """A bug in the service or in its deployment. `cause_code` is the database's code, for the log."""

    def __init__(self, cause_code: str) -> None:
        super().__init__("The service has a bug. Its log has the request id.")
        self.cause_code = cause_code

    @property
    def of_the_database(self) -> bool:
        """Whether the database itself reported it, and so rolled back."""
        return not self.cause_code.startswith(NO_CODE)


class UnavailableError(DataServiceError):
    """The database or the Data API is unreachable or saturated. A later retry may succeed."""

    status = 503
    headers = ((b"retry-after", b"1"),)


class WrongRoleError(UnavailableError):
    """Statements would run as another role or without limits. `detail` says what to change in the deployment."""


class TimeLimitError(DataServiceError):
    """The statement ran into its time limit."""

    status = 504


class UnknownOutcomeError(TimeLimitError):
    """A write was sent and got no answer: it may have happened."""

    def __init__(self) -> None:
        super().__init__(
            "The database did not answer, so the write may or may not have happened. Look before you repeat it, "
            "or send such a request with an Idempotency-Key."
        )


class LockTimeLimitError(TimeLimitError):
    """The statement waited too long for another transaction's lock."""


_RAISED = {error.status: error for error in (BadRequestError, NotFoundError, ConflictError, PreconditionFailedError, InvalidError)}
_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_INVALID = re.compile(r"22...|PGRST102|PGRST204")
# An empty code: the connection broke before the server answered.
_UNAVAILABLE = re.compile(r"|08...|53...|57P0.|40001|40P01|25006|PGRST00.")
_UNKNOWN_TO_THE_DATA_API = re.compile(r"PGRST20[25]")
_TIME_LIMITS = {"57014": TimeLimitError, "55P03": LockTimeLimitError}


def from_database(code: str, message: str, detail: str | None, constraints: Mapping[str, Constraint]) -> DataServiceError:
    """The error for a report of Postgres (`code` is its SQLSTATE) or PostgREST (`PGRST…`).

    Callers see `message` only if this project's own SQL wrote it (`PT…`). Otherwise it only yields the name of the constraint,
    which `constraints` turns into a field and a sentence. A `detail` of "at <place>", also this project's, names the field or the
    part of a structure.
    """
    place = detail[3:] if detail and detail.startswith("at ") else ""
    if code.startswith("PT") and code[2:].isdigit():
        if detail == "try again":
            return UnderWayError(message)
        problems = [FieldProblem(field=place, message=message)] if place else []
        return _RAISED.get(int(code[2:]), InvalidError)(message, problems)
    if code in ("PGRST116", "P0002"):
        return NotFoundError("There is no row with this id.")
    if code.startswith("23"):
        return _broken_constraint(code, message, place, constraints)
    if _INVALID.fullmatch(code):
        return _unfit("A value does not fit its field.", place)
    if code == "54000":  # Everything that can be stored has its limit, so this is an answer.
        return InvalidError("The answer would be too large. Ask for less: a narrower range, or a smaller page.")
    if code in _TIME_LIMITS:
        return _TIME_LIMITS[code]("The database did not finish within its time limit.")
    if _UNAVAILABLE.fullmatch(code) or (code == "0A000" and "during recovery" in message):
        return UnavailableError(SATURATED)  # the last is how a standby refuses PostgREST's transactions that write
    if _UNKNOWN_TO_THE_DATA_API.fullmatch(code):
        return InternalError(f"{code}: the Data API does not know it yet: notify pgrst, 'reload schema'")
    return InternalError(code)


def lost_connection(code: str) -> bool:
    """Whether the connection broke while a statement was under way: a write may have been committed or not."""
    return code in ("", "PGRST001") or code.startswith("08")


def _broken_constraint(code: str, message: str, place: str, constraints: Mapping[str, Constraint]) -> ConflictError | InvalidError:
    name = _CONSTRAINT.search(message)
    constraint = constraints.get(name[1]) if name else None
    if constraint is None:
        if code == "23505":
            return ConflictError("A row with this unique value exists already.")
        return _unfit("A value does not fit its field, or names a row that does not exist.", place)
    # Of a domain's check, the place has the field already.
    in_place = constraint.field and f".{place}".endswith(f".{constraint.field}")
    field = place if in_place else ".".join(filter(None, (place, constraint.field))) or "body"
    problem = FieldProblem(field=field, message=constraint.message)
    if constraint.kind == "unique":
        return ConflictError(constraint.message, [problem])
    if constraint.field and constraint.message.startswith(constraint.field):
        return InvalidError(".".join(filter(None, (place, constraint.message))), [problem])
    return InvalidError(f"{field}: {constraint.message}", [problem])


def _unfit(message: str, place: str) -> InvalidError:
    return InvalidError(f"{place}: {message}" if place else message, [FieldProblem(field=place, message=message)] if place else [])
