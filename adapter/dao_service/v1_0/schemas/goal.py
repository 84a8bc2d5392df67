"""What goals are made of."""

from dao_service.generated import contract_1_0

GoalDTO = contract_1_0.Goal
GoalCreateDTO = contract_1_0.GoalCreate
GoalUpdateDTO = contract_1_0.GoalUpdate
GoalFullDTO = contract_1_0.GoalFull
GoalStructureCreateDTO = contract_1_0.GoalStructureCreate
MilestoneStructureDTO = contract_1_0.MilestoneStructure
TaskStructureDTO = contract_1_0.TaskStructure
