"""Sessions, at the import path of the guides."""

from dao_service.in_process.database import AsyncSessionLocal, DatabaseSession, SessionFactory, SessionStateError

__all__ = ["AsyncSessionLocal", "DatabaseSession", "SessionFactory", "SessionStateError"]
