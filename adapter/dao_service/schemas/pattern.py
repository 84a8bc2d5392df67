"""What patterns are made of."""

from dao_service.generated import contract_1_2

PatternDTO = contract_1_2.Pattern
PatternCreateDTO = contract_1_2.PatternCreate
PatternUpdateDTO = contract_1_2.PatternUpdate
