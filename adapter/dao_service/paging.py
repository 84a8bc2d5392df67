"""Which page of a list: `skip` with `limit`, or `page` with `page_size`, or the cursor `after`."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from dao_service.bindings import Filters
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
    """The paging parameters, which every list has beside its filters."""

    skip: Annotated[_Skip | None, Field(description="How many rows to pass over.")] = None
    limit: Annotated[_Size | None, Field(description="How many rows to answer; 100 where not given.")] = None
    page: Annotated[_Page | None, Field(description="Number of the page, from 1.")] = None
    page_size: Annotated[_Size | None, Field(description="How many rows a page has; 100 where not given.")] = None
    after: Annotated[
        str | None,
        Field(max_length=500, description="Cursor: `next_cursor` of the page before. Costs the same on every page."),
    ] = None

    def window(self) -> dict[str, Any]:
        """The part of the list, as arguments of `list_page`.

        Raises `BadRequestError` where parameters exclude each other.
        """
        by_skip = self.skip is not None or self.limit is not None
        by_page = self.page is not None or self.page_size is not None
        if by_skip and by_page:
            raise BadRequestError('Page with "skip" and "limit", or with "page" and "page_size", not with both.')
        size = self.page_size or self.limit or 100
        if self.after is not None:
            if self.skip is not None or self.page is not None:
                raise BadRequestError('"after" says where the page starts, so neither "skip" nor "page" goes with it.')
            return {"row_limit": size, "after": self.after}
        return {"row_limit": size, "row_offset": (self.page - 1) * size if self.page else self.skip or 0}
