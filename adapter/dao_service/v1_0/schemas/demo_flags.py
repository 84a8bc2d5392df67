"""What demo flags are made of."""

from dao_service.generated import contract_1_0

DemoFlagsDTO = contract_1_0.DemoFlags
DemoFlagsCreateDTO = contract_1_0.DemoFlagsCreate
