"""What users are made of."""

from dao_service.generated import contract_1_2

UserDTO = contract_1_2.User
UserCreateDTO = contract_1_2.UserCreate
UserUpdateDTO = contract_1_2.UserUpdate
