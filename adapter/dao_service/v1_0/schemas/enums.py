"""The words of contract 1.0."""

from dao_service.generated.contract_1_0 import TaskState, TriggerType
from dao_service.generated.vocabulary import GoalStatus, TaskPriority

__all__ = ["GoalStatus", "TaskPriority", "TaskState", "TriggerType"]
