"""Which contract a call is in: the newest whose words it uses.

A caller in process has one surface for all contracts. A call is read as one of the default contract first. If that contract refuses
it, it is read as one of an older contract. If all refuse it, the caller gets the problems of the contract that knows the words.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Self, TypeVar

from pydantic import MISSING, BaseModel, model_validator
from pydantic_core import PydanticSerializationError, to_json

from dao_service.bindings import Input, in_whole_minutes
from dao_service.errors import BadRequestError, FieldProblem, InvalidError
from dao_service.validation import NO_FIELD, NO_PARAMETER, read_body

Read = TypeVar("Read")
_NO_JSON = "A value is not one that JSON can hold."


class InEitherContract(Input):
    """Base of inputs that have the fields of several contracts. Raises `ValidationError` if the values are not those of one."""

    contracts: ClassVar[Mapping[str, type[Input]]]
    """The models of the contracts, by their names, newest first."""

    @model_validator(mode="after")
    def _keep_to_one_contract(self) -> Self:
        try:
            text = as_json(self)
            in_newest_contract({name: partial(read_body, model, text) for name, model in self.contracts.items()})
        except InvalidError as error:
            raise ValueError(error.detail) from None
        return self


def in_newest_contract(readers: Mapping[str, Callable[[], Read]]) -> Read:
    """The first answer of the readers, which are by contract, newest first. Raises `InvalidError` if all of them do."""
    refusals: dict[str, InvalidError] = {}
    for contract, read in readers.items():
        try:
            return read()
        except InvalidError as error:
            refusals[contract] = error
        except BadRequestError:
            raise InvalidError(_NO_JSON) from None
    unknown = {contract: _unknown_words(error) for contract, error in refusals.items()}
    everywhere = frozenset.intersection(*unknown.values())
    if all(words > everywhere for words in unknown.values()) and len(unknown) > 1:
        raise _mixed({contract: words - everywhere for contract, words in unknown.items()})
    raise refusals[min(refusals, key=lambda contract: len(unknown[contract]))]


def as_json(values: BaseModel | Mapping[str, Any]) -> bytes:
    """The values as the JSON of a caller over HTTP. Raises `InvalidError` for one that JSON can't hold."""
    try:
        if isinstance(values, BaseModel):
            # A DTO can be changed after it was made, to anything. Validation says so, with the field.
            return values.__pydantic_serializer__.to_json(values, warnings=False)
        return to_json({name: _writable(value) for name, value in values.items() if value is not MISSING})
    except PydanticSerializationError:
        raise InvalidError(_NO_JSON) from None


def _writable(value: object) -> object:
    return in_whole_minutes(value) if isinstance(value, datetime) else value


def _unknown_words(error: InvalidError) -> frozenset[str]:
    return frozenset(problem["field"] for problem in error.errors if problem["message"] in (NO_FIELD, NO_PARAMETER))


def _mixed(unknown: Mapping[str, frozenset[str]]) -> InvalidError:
    problems = [
        FieldProblem(field=word, message=f"Contract {contract} does not have it.")
        for contract, words in unknown.items()
        for word in sorted(words)
    ]
    words = ", ".join(problem["field"] for problem in problems)
    return InvalidError(f"{words}: These are not words of one contract. Use those of one.", problems)
