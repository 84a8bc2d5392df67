"""What demo flags are made of."""

from dao_service.generated import contract_1_2

DemoFlagsDTO = contract_1_2.DemoFlags
DemoFlagsCreateDTO = contract_1_2.DemoFlagsCreate
