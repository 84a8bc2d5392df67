"""The expressions of checks and defaults, as sqlglot reads what Postgres prints."""

from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .catalog import CannotGenerate

Value = str | int | float | bool | None


@cache
def parse(text: str) -> exp.Expr:
    """The expression without casts and parentheses: the types are known from the column or domain. Callers only read it."""
    try:
        return _bare(sqlglot.parse_one(text, dialect="postgres"))
    except SqlglotError as error:
        raise CannotGenerate(f"can't read the expression {text}") from error


def value_of(expression: exp.Expr) -> Value:
    """The value of a literal. Raises CannotGenerate for any other expression."""
    match expression:
        case exp.Null():
            return None
        case exp.Boolean():
            return bool(expression.this)
        case exp.Literal(is_string=True):
            return expression.name
        case exp.Literal():
            return _number(expression.name)
        case exp.Neg(this=exp.Literal(is_string=False) as number):
            return -_number(number.name)
    raise CannotGenerate(f"{expression.sql('postgres')} is no literal")


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    for child in list(node.iter_expressions()):
        child.replace(_bare(child))
    return node


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
