"""The benchmark: the data service against what a user would build instead, and against PostgREST itself.

Every contender works on the same database with the same requests, alone, in interleaved rounds, and has to give the same answers.
"""
