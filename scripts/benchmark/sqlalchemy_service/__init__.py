"""The service that a team would build from the guides: FastAPI over SQLAlchemy 2 and asyncpg, with Pydantic models.

The benchmark measures the data service against it. It has the guides' layers (API, service, DAO, model), a session per request,
`response_model`, and exact totals by `count(*)`. It has the endpoints that the benchmark calls, uses the same tables and indexes, and
has to give the same answers.
"""
