"""Flux data service: one place where Flux's agents keep what they know.

The REST door is `dao_service.main:app`; a process that shares the database starts at `dao_service.core.database`. The database
holds the rules; this package validates, forwards and translates errors.
"""
