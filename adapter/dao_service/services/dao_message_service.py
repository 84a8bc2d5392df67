"""The service of messages: their DAO, which also has the names of a service."""

from dao_service.dao.dao_registry import MessageDao

DaoMessageService = MessageDao
