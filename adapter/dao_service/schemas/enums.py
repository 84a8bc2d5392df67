"""The words of contract 1.2."""

from dao_service.generated.vocabulary import (
    ContextType,
    GoalStatus,
    InputModality,
    MessageRole,
    NotificationChannel,
    TaskPriority,
    TaskStatus,
    TriggerType,
)

__all__ = [
    "ContextType",
    "GoalStatus",
    "InputModality",
    "MessageRole",
    "NotificationChannel",
    "TaskPriority",
    "TaskStatus",
    "TriggerType",
]
