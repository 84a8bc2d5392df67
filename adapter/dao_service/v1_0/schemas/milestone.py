"""What milestones are made of."""

from dao_service.generated import contract_1_0

MilestoneDTO = contract_1_0.Milestone
MilestoneCreateDTO = contract_1_0.MilestoneCreate
MilestoneUpdateDTO = contract_1_0.MilestoneUpdate
