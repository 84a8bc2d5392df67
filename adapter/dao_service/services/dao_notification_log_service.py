"""The service of the notification log's entries: their DAO, which also has the names of a service."""

from dao_service.dao.dao_registry import NotificationLogDao

DaoNotificationLogService = NotificationLogDao
