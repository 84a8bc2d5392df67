"""The OpenAPI documents, written once for all tests, which only read them."""

from functools import cache

from generator import from_contracts

documents = cache(from_contracts.documents)
