"""Sessions, which know no contract."""

from dao_service.in_process.database import AsyncSessionLocal, DatabaseSession, SessionStateError

__all__ = ["AsyncSessionLocal", "DatabaseSession", "SessionStateError"]
