"""What conversations are made of."""

from dao_service.generated import contract_1_0

ConversationDTO = contract_1_0.Conversation
ConversationCreateDTO = contract_1_0.ConversationCreate
ConversationUpdateDTO = contract_1_0.ConversationUpdate
