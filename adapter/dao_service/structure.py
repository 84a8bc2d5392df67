"""The body of `with-structure`: a goal, its milestones, their tasks. Derived from what each of them takes on its own."""

from typing import Any

from pydantic import Field, create_model

from dao_service.bindings import Input


def _without(model: type[Input], name: str, *placed: str, **more: Any) -> type[Input]:
    """`model` without the fields that its place in the structure decides."""
    fields: dict[str, Any] = {field: (info.annotation, info) for field, info in model.model_fields.items() if field not in placed}
    return create_model(name, __base__=Input, __doc__=model.__doc__, **fields, **more)


def goal_structure(goal: type[Input], milestone: type[Input], task: type[Input]) -> type[Input]:
    """The model of a goal's structure, out of the models that create a goal, a milestone and a task."""
    placed_task = _without(task, "TaskStructure", "user_id", "goal_id", "milestone_id")
    tasks: Any = (list.__class_getitem__(placed_task), Field(default_factory=list, description="The milestone's tasks."))
    placed_milestone = _without(milestone, "MilestoneStructure", "goal_id", tasks=tasks)
    milestones: Any = (list.__class_getitem__(placed_milestone), Field(default_factory=list, description="The goal's milestones."))
    return create_model(
        "GoalStructureCreate",
        __base__=Input,
        __doc__="A goal with its milestones and their tasks, created in one transaction: all or nothing.",
        goal=(goal, Field(description="The goal.")),
        milestones=milestones,
    )
