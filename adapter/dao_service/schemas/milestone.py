"""What milestones are made of."""

from dao_service.generated import contract_1_2

MilestoneDTO = contract_1_2.Milestone
MilestoneCreateDTO = contract_1_2.MilestoneCreate
MilestoneUpdateDTO = contract_1_2.MilestoneUpdate
