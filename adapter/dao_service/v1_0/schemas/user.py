"""What users are made of."""

from dao_service.generated import contract_1_0

UserDTO = contract_1_0.User
UserCreateDTO = contract_1_0.UserCreate
UserUpdateDTO = contract_1_0.UserUpdate
