"""The service of demo flags: their DAO, which also has the names of a service."""

from dao_service.v1_0.dao.dao_registry import DemoFlagsDao

DaoDemoFlagsService = DemoFlagsDao
