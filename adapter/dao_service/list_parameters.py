"""The parameters of a list: its page (`skip` and `limit`, `page` and `page_size`, or `after`), its filters and its order."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from dao_service.bindings import AnyRelation, Filters
from dao_service.errors import BadRequestError

_MAX_OFFSET = 2**31 - 1
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


def _read_whole_number(value: object) -> object:
    # Pydantic would also read text such as "1_0", " 10" and "10.0".
    if isinstance(value, str) and not _WHOLE_NUMBER.fullmatch(value):
        raise PydanticCustomError("int_parsing", "Input should be a whole number, in digits")
    return value


_IN_DIGITS = BeforeValidator(_read_whole_number)
_Skip = Annotated[int, Field(ge=0, le=_MAX_OFFSET), _IN_DIGITS]
_Page = Annotated[int, Field(ge=1, le=_MAX_OFFSET), _IN_DIGITS]
_Size = Annotated[int, Field(ge=1, le=100), _IN_DIGITS]


class Paging(Filters):
    """The paging parameters, which every list has in addition to its filters."""

    skip: Annotated[_Skip | None, Field(description="The number of rows to skip.")] = None
    limit: Annotated[_Size | None, Field(description="The maximum number of rows to return, 100 by default.")] = None
    page: Annotated[_Page | None, Field(description="The number of the page, from 1.")] = None
    page_size: Annotated[_Size | None, Field(description="The maximum number of rows per page, 100 by default.")] = None
    after: Annotated[
        str | None,
        Field(max_length=500, description="A cursor: the `next_cursor` of the previous page. It costs the same for every page."),
    ] = None

    def window(self) -> dict[str, Any]:
        """The part of the list, as arguments of `list_page`.

        Raises `BadRequestError` if parameters exclude each other.
        """
        by_skip = self.skip is not None or self.limit is not None
        by_page = self.page is not None or self.page_size is not None
        if by_skip and by_page:
            raise BadRequestError('Use "skip" with "limit", or "page" with "page_size", but not both pairs.')
        size = self.page_size or self.limit or 100
        if self.after is not None:
            if self.skip is not None or self.page is not None:
                raise BadRequestError('"after" sets the start of the page, so send neither "skip" nor "page" with it.')
            return {"row_limit": size, "after": self.after}
        return {"row_limit": size, "row_offset": (self.page - 1) * size if self.page else self.skip or 0}


def require_order(filters: BaseModel, relation: AnyRelation) -> None:
    """Raise `BadRequestError` if a range ends before it starts."""
    ends = {column: end for end, (column, operator) in relation.comparisons.items() if operator == "before"}
    for start, (column, operator) in relation.comparisons.items():
        end = ends.get(column, "")
        if operator == "from" and {start, end} <= filters.model_fields_set and getattr(filters, end) < getattr(filters, start):
            raise BadRequestError("The range ends before it starts.")


def by_column(relation: AnyRelation, filters: dict[str, Any]) -> dict[str, Any]:
    """The filters as `list_page` takes them: by column, each with its operators if it is no equality."""
    filters.pop("order", None)
    for name in filters.keys() & relation.comparisons.keys():
        column, operator = relation.comparisons[name]
        filters.setdefault(column, {})[operator] = filters.pop(name)
    return filters
