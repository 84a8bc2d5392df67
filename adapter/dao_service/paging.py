"""Which page of a list: `skip` with `limit`, or `page` with `page_size`, or the cursor `after`."""

from typing import Annotated, Any

from pydantic import Field

from dao_service.bindings import Filters
from dao_service.errors import BadRequestError

_MAX_OFFSET = 2**31 - 1


class Paging(Filters):
    """The paging parameters, which every list has beside its filters."""

    skip: Annotated[int | None, Field(ge=0, le=_MAX_OFFSET, description="How many rows to pass over.")] = None
    limit: Annotated[int | None, Field(ge=1, le=100, description="How many rows to answer; 100 where not given.")] = None
    page: Annotated[int | None, Field(ge=1, le=_MAX_OFFSET, description="Number of the page, from 1.")] = None
    page_size: Annotated[int | None, Field(ge=1, le=100, description="How many rows a page has; 100 where not given.")] = None
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
