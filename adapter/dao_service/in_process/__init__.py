"""The service for Python that shares the database: sessions, units of work, DAOs."""
