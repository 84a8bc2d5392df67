"""What tasks are made of."""

from dao_service.generated import contract_1_2

TaskDTO = contract_1_2.Task
TaskCreateDTO = contract_1_2.TaskCreate
TaskUpdateDTO = contract_1_2.TaskUpdate
TaskStatisticsDTO = contract_1_2.TaskStatistics
