"""The benchmark: the data service against a plain FastAPI + SQLAlchemy service, and against PostgREST itself.

Every contender gets the same requests over the same database, alone, in interleaved rounds, and has to give the same answers.
"""
