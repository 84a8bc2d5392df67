"""What conversations are made of."""

from dao_service.generated import contract_1_2

ConversationDTO = contract_1_2.Conversation
ConversationCreateDTO = contract_1_2.ConversationCreate
ConversationUpdateDTO = contract_1_2.ConversationUpdate
ConversationVoiceUpdateDTO = contract_1_2.ConversationFunctionUpdate
