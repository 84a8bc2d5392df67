"""The service that a team would build from the guides: FastAPI over SQLAlchemy 2 and asyncpg, with Pydantic models.

The benchmark measures the data service against it. It has the guides' layers (API, service, DAO, model), a session per request,
`response_model`, exact totals by `count(*)`, and the endpoints that the benchmark calls. Tables, indexes and answers are the same.
"""
