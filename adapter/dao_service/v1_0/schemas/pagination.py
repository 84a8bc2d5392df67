"""Pages of lists."""

from dao_service.generated import contract_1_2

PaginatedResponse = contract_1_2.Page
