"""A strict parser for the few SQL expressions that checks and defaults are made of, as Postgres prints them.

Casts are dropped: what is cast to what is said by the column's or domain's own type.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

from .catalog import CannotGenerate

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>E?'(?:[^']|'')*')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)(?:\.(?:"(?:[^"]|"")+"|[A-Za-z_]\w*))*)
    | (?P<sign>::|>=|<=|<>|[=<>(),\[\]-])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}


@dataclass(frozen=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Array:
    elements: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Call:
    """A function call, a comparison, AND or IS NULL, by its lower-case name."""

    name: str
    arguments: "tuple[Expression, ...]"


Expression = Literal | Name | Array | Call


def parse(text: str) -> Expression:
    """Raises CannotGenerate for anything outside the grammar."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                self._refuse()
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()

    def whole(self) -> Expression:
        expression = self._conjunction()
        if self._next < len(self._tokens):
            self._refuse()
        return expression

    def _refuse(self) -> NoReturn:
        raise CannotGenerate(f"can't read the expression {self._text}")

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _accept(self, *words: str) -> bool:
        end = self._next + len(words)
        if tuple(text.upper() for _, text in self._tokens[self._next : end]) != words:
            return False
        self._next = end
        return True

    def _expect(self, *words: str) -> None:
        if not self._accept(*words):
            self._refuse()

    def _conjunction(self) -> Expression:
        parts = [self._comparison()]
        while self._accept("AND"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else Call("and", tuple(parts))

    def _comparison(self) -> Expression:
        left = self._operand()
        if self._accept("IS", "NULL"):
            return Call("is null", (left,))
        operator = self._peek()
        if operator not in _COMPARISONS:
            return left
        self._next += 1
        if operator == "=" and self._accept("ANY", "("):
            right = self._conjunction()
            self._expect(")")
            return Call("= any", (left, right))
        return Call(operator, (left, self._operand()))

    def _operand(self) -> Expression:
        operand = self._primary()
        while self._accept("::"):
            self._skip_type()
        return operand

    def _primary(self) -> Expression:
        if self._accept("("):
            inner = self._conjunction()
            self._expect(")")
            return inner
        if self._accept("-"):
            return self._negated(self._operand())
        if self._accept("ARRAY", "["):
            return Array(self._list("]"))
        if self._next == len(self._tokens):
            self._refuse()
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "string" and text.startswith("'"):
            return Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind != "name":
            self._refuse()
        return self._named(text)

    def _negated(self, operand: Expression) -> Literal:
        if not isinstance(operand, Literal) or isinstance(operand.value, str | bool) or operand.value is None:
            self._refuse()
        return Literal(-operand.value)

    def _named(self, text: str) -> Expression:
        constants = {"true": True, "false": False, "null": None}
        if text.lower() in constants:
            return Literal(constants[text.lower()])
        if self._accept("("):
            return Call(text.lower(), self._list(")"))
        return Name(text)

    def _list(self, closing: str) -> tuple[Expression, ...]:
        elements: list[Expression] = []
        if self._accept(closing):
            return ()
        while True:
            elements.append(self._conjunction())
            if self._accept(closing):
                return tuple(elements)
            self._expect(",")

    def _skip_type(self) -> None:
        """A type's name, such as text, public.title, character varying(9), timestamp with time zone or uuid[]."""
        if self._next == len(self._tokens) or self._tokens[self._next][0] != "name":
            self._refuse()
        self._next += 1
        if not self._accept("PRECISION"):
            self._accept("VARYING")
        if self._accept("("):
            self._list(")")
        if not self._accept("WITH", "TIME", "ZONE"):
            self._accept("WITHOUT", "TIME", "ZONE")
        while self._accept("[", "]"):
            pass
