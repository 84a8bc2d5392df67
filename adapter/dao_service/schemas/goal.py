"""What goals are made of."""

from dao_service.generated import contract_1_2

GoalDTO = contract_1_2.Goal
GoalCreateDTO = contract_1_2.GoalCreate
GoalUpdateDTO = contract_1_2.GoalUpdate
GoalFullDTO = contract_1_2.GoalFull
GoalStructureCreateDTO = contract_1_2.GoalStructureCreate
MilestoneStructureDTO = contract_1_2.MilestoneStructure
TaskStructureDTO = contract_1_2.TaskStructure
