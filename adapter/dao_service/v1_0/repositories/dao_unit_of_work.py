"""The unit of work of contract 1.0."""

from dao_service.in_process.unit_of_work import UnitOfWork
from dao_service.v1_0.dao import dao_registry


class DaoUnitOfWork(UnitOfWork):
    """Its attributes are the DAOs of contract 1.0."""

    users = dao_registry.get_user_dao()
    goals = dao_registry.get_goal_dao()
    milestones = dao_registry.get_milestone_dao()
    tasks = dao_registry.get_task_dao()
    conversations = dao_registry.get_conversation_dao()
    demo_flags = dao_registry.get_demo_flags_dao()
