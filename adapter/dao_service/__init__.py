"""Flux data service: one place where Flux's agents keep what they know.

The REST door is `dao_service.main:app`. The database holds the rules; this package validates, forwards and translates errors.
"""
