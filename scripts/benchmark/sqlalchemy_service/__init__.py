"""What a team would build instead: the guides' own architecture, FastAPI over SQLAlchemy 2 and asyncpg, Pydantic out.

The benchmark measures the data service against it. It is written as its users' documentation has it, over the same tables and
indexes, and holds itself to the same answers: API, service, DAO and model layers, a session a request, `response_model`, exact
totals by `count(*)`. It has the endpoints that the benchmark asks for.
"""
