"""What messages are made of."""

from dao_service.generated import contract_1_2

MessageDTO = contract_1_2.Message
MessageCreateDTO = contract_1_2.MessageCreate
