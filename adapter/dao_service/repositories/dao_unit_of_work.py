"""The unit of work of contract 1.2."""

from dao_service.dao import dao_registry
from dao_service.in_process.unit_of_work import UnitOfWork


class DaoUnitOfWork(UnitOfWork):
    """Its attributes are the DAOs of contract 1.2."""

    users = dao_registry.get_user_dao()
    goals = dao_registry.get_goal_dao()
    milestones = dao_registry.get_milestone_dao()
    tasks = dao_registry.get_task_dao()
    conversations = dao_registry.get_conversation_dao()
    messages = dao_registry.get_message_dao()
    patterns = dao_registry.get_pattern_dao()
    notification_log = dao_registry.get_notification_log_dao()
    demo_flags = dao_registry.get_demo_flags_dao()
