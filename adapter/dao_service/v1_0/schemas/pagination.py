"""Pages of lists."""

from dao_service.generated import contract_1_0

PaginatedResponse = contract_1_0.Page
