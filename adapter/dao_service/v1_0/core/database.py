"""Sessions, which know no contract."""

from dao_service.core.database import AsyncSessionLocal, DatabaseSession, SessionStateError

__all__ = ["AsyncSessionLocal", "DatabaseSession", "SessionStateError"]
