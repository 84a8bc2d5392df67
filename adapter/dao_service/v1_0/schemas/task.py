"""What tasks are made of."""

from dao_service.generated import contract_1_0

TaskDTO = contract_1_0.Task
TaskCreateDTO = contract_1_0.TaskCreate
TaskUpdateDTO = contract_1_0.TaskUpdate
TaskStatisticsDTO = contract_1_0.TaskStatistics
