"""The service of milestones: their DAO, which also has the names of a service."""

from dao_service.dao.dao_registry import MilestoneDao

DaoMilestoneService = MilestoneDao
