"""The values that each kind of field accepts and refuses, for the tests of fields."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, Protocol
from uuid import uuid4

World = Mapping[str, str]
"""Ids of the rows that tests refer to, by what they are: "user", "goal", …"""

ODD_TEXT = "Ünïcødé 𝄞 \U0001f3c3‍♀️ \n\t\"quoted\" 'it''s' \\ ; -- %s $1 {} <b> \x7f \u2028"
NUL_TEXT = "a\0b"
_NO_MORE = object()


@dataclass(frozen=True)
class Named:
    """Stands for the id of a row of the world; "nothing" for an id that no row has."""

    what: str


@dataclass(frozen=True)
class Fresh:
    """Stands for a text of `length` characters that no other row holds, filled up with `filler`."""

    length: int
    filler: str = "x"

    def make(self) -> str:
        ideographs = (chr(0x4E00 + secrets.randbelow(20_000)) for _ in range(min(self.length, 8)))
        return "".join(ideographs).ljust(self.length, self.filler)


@dataclass(frozen=True)
class Ending:
    """Stands for a text that no other row holds, with this ending."""

    ending: str

    def make(self) -> str:
        return uuid4().hex + self.ending


def resolve(value: Any, world: World) -> Any:
    """Replace the stand-ins in a value."""
    if isinstance(value, Named):
        return str(uuid4()) if value.what == "nothing" else world[value.what]
    if isinstance(value, Fresh | Ending):
        return value.make()
    if isinstance(value, list):
        return [resolve(item, world) for item in value]
    if isinstance(value, dict):
        return {name: resolve(item, world) for name, item in value.items()}
    return value


class Kind(Protocol):
    """A kind of field. The first accepted value differs from every default."""

    @property
    def accepted(self) -> tuple[Any, ...]:
        """Values that the field accepts, including its boundaries."""

    @property
    def refused(self) -> tuple[Any, ...]:
        """Values that validation refuses, apart from null."""


@dataclass(frozen=True)
class Text:
    """A text of `shortest` to `longest` characters."""

    shortest: int
    longest: int
    unique: bool = False

    @property
    def accepted(self) -> tuple[Any, ...]:
        if self.unique:
            return tuple(Fresh(length, filler) for length, filler in self._lengths)
        return (ODD_TEXT, *(filler * length for length, filler in self._lengths))

    @property
    def _lengths(self) -> tuple[tuple[int, str], ...]:
        return (self.longest, "x"), (self.longest, "𝄞"), (self.shortest, "x")

    @property
    def refused(self) -> tuple[Any, ...]:
        too_short = ("",) if self.shortest else ()
        too_long = ("x" * (self.longest + 1), "𝄞" * (self.longest + 1))
        return (*too_short, *too_long, 5, True, ["x"], {"x": "x"}, NUL_TEXT)


@dataclass(frozen=True)
class Email:
    """An address that no other row has, of 3 to 255 characters."""

    accepted: tuple[Any, ...] = tuple(
        Ending(ending) for ending in ("@x", "+tag@sub.example.com", "\"'@Ünïcødé", "@[::1]", f"@{'x' * 222}", f"@{'𝄞' * 222}")
    )
    refused: tuple[Any, ...] = (
        "not an email",
        "",
        " ",
        "@",
        "jane@",
        "@example.com",
        "jane@home@example.com",
        "jane@example.com ",
        " jane@example.com",
        "jane doe@example.com",
        *(f"jane{space}@example.com" for space in "\t\n\v\f\r\x85\xa0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000"),
        f"jane@{'x' * 251}",
        5,
        True,
        ["jane@example.com"],
        "jane\0@example.com",
    )


@dataclass(frozen=True)
class Words:
    """One of a few words. `others` are words of another contract, which this one does not know."""

    words: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[Any, ...]:
        return tuple(reversed(self.words))

    @property
    def refused(self) -> tuple[Any, ...]:
        return (*self.others, "nonsense", "", self.words[0].upper(), f"{self.words[0]} ", 1, True, [self.words[0]])


@dataclass(frozen=True)
class Flag:
    """True or false."""

    accepted: tuple[Any, ...] = (True, False)
    refused: tuple[Any, ...] = ("true", 1, 0, "yes", [True])


@dataclass(frozen=True)
class Whole:
    """A whole number of 32 bits, of at least `lowest` if given."""

    lowest: int | None = None

    @property
    def accepted(self) -> tuple[Any, ...]:
        return (17, -(2**31) if self.lowest is None else self.lowest, 2**31 - 1)

    @property
    def refused(self) -> tuple[Any, ...]:
        too_low = -(2**31) - 1 if self.lowest is None else self.lowest - 1
        return (too_low, 2**31, 10**30, 1.5, "6", True, [6])


@dataclass(frozen=True)
class Number:
    """A number of at least 0, and at most `highest` if given."""

    highest: int | None = None

    @property
    def accepted(self) -> tuple[Any, ...]:
        return (0.8125, 0, 1, 0.1, 0.3333333333333333)

    @property
    def refused(self) -> tuple[Any, ...]:
        too_high = () if self.highest is None else (self.highest + 0.01, 1e300)
        return (-0.1, *too_high, "0.5", True, [0.5])


@dataclass(frozen=True)
class Instant:
    """A point in time with an offset."""

    accepted: tuple[Any, ...] = (
        "2026-03-01T09:00:00.123456+05:30",
        "2026-03-01T09:00:00Z",
        "1969-12-31T23:59:59.999999-08:00",
        "9999-12-31T23:59:59.999999+00:00",
    )
    refused: tuple[Any, ...] = (
        "2026-03-01T09:00:00",
        "2026-03-01",
        "2026-02-30T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "10000-01-01T00:00:00Z",
        "tomorrow",
        "now",
        "infinity",
        "",
        1767225600,
        "1767225600",
        True,
    )


@dataclass(frozen=True)
class Object:
    """A JSON object of any shape, of up to `kib` KiB."""

    kib: int = 64

    @property
    def accepted(self) -> tuple[Any, ...]:
        odd = {"timezone": "America/New_York", "nested": [{"a": None, "b": [1, 2.5, -0.001, True]}], "": {}, ODD_TEXT: ODD_TEXT}
        return (odd, {}, {"full": _filling(self.kib, '{"full": ""}')})

    @property
    def refused(self) -> tuple[Any, ...]:
        too_large = _filling(self.kib, '{"full": ""}') + "x"
        numbers = [1] * (self.kib * 1024 // 3)
        return ([], "{}", 5, True, {"note": NUL_TEXT}, {"list": [{"note": NUL_TEXT}]}, {"full": too_large}, {"numbers": numbers})


def _filling(kib: int, around: str) -> str:
    """A text that takes as many KiB as JSON text, together with what is around it. A control character takes 6 bytes."""
    left = kib * 1024 - len(around)
    return "\x01𝄞" * (left // 10) + "x" * (left % 10)


@dataclass(frozen=True)
class Anything:
    """A JSON list of anything, of up to 384 KiB."""

    accepted: tuple[Any, ...] = ([{"role": "user", "content": ODD_TEXT}, None, 5, []], [], [_filling(384, '[""]')])
    refused: tuple[Any, ...] = ({}, "[]", 5, [NUL_TEXT], [_filling(384, '[""]') + "x"])


@dataclass(frozen=True)
class Texts:
    """A list of up to 1,000 texts, 64 KiB in all."""

    accepted: tuple[Any, ...] = (["health", ODD_TEXT, "", "null", "{a,b}"], [], ["x"] * 1000, [_filling(64, '[""]')])
    refused: tuple[Any, ...] = (
        ["x"] * 1001,
        [_filling(64, '[""]') + "x"],
        "health",
        ["health", 5],
        [None],
        [["health"]],
        {},
        [NUL_TEXT],
    )


@dataclass(frozen=True)
class Uuids:
    """A list of up to 1,000 UUIDs."""

    accepted: tuple[Any, ...] = ([Named("goal"), Named("other_goal")], [], [Named("nothing")] * 1000)
    refused: tuple[Any, ...] = ([str(uuid4())] * 1001, Named("goal"), ["x"], [None], [5], [[Named("goal")]])


@dataclass(frozen=True)
class Uuid:
    """A UUID that names no row. Each use is another."""

    accepted: tuple[Any, ...] = (Named("nothing"),)
    refused: tuple[Any, ...] = ("not-a-uuid", "", 5, True)


@dataclass(frozen=True)
class Zone:
    """The name of a time zone. Only the database knows which names there are."""

    accepted: tuple[Any, ...] = ("Asia/Kolkata", "America/Argentina/Buenos_Aires", "UTC")
    refused: tuple[Any, ...] = (5, True, ["UTC"], NUL_TEXT)


class Now:
    """Equals the time of any row that a test has just created."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and abs(datetime.now(UTC) - datetime.fromisoformat(other)) < timedelta(minutes=5)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Reference:
    """The id of another row. `foreign` rows exist, but referring to them is refused, as they belong to another user."""

    to: str
    foreign: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[Any, ...]:
        return (Named(self.to),)

    @property
    def refused(self) -> tuple[Any, ...]:
        return ("not-a-uuid", "", 5, True)

    @property
    def refused_by_the_database(self) -> tuple[Named, ...]:
        """Valid ids that only the database can refuse."""
        return (Named("nothing"), *map(Named, self.foreign))


def wrong_values(kinds: Mapping[str, Kind], world: World) -> Iterator[dict[str, Any]]:
    """Bodies of refused values: each has one for every field that has any left."""
    for values in zip_longest(*(kind.refused for kind in kinds.values()), fillvalue=_NO_MORE):
        yield {name: resolve(value, world) for name, value in zip(kinds, values, strict=True) if value is not _NO_MORE}


def is_same(kind: Kind, sent: Any, answered: Any) -> bool:
    """Whether a returned value equals the one sent. Points in time must be the same instant, in UTC."""
    if isinstance(kind, Instant) and isinstance(sent, str) and isinstance(answered, str):
        instant = datetime.fromisoformat(answered)
        return instant == datetime.fromisoformat(sent) and instant.utcoffset() == timedelta(0)
    both_or_neither_flags = isinstance(sent, bool) == isinstance(answered, bool)
    return both_or_neither_flags and bool(sent == answered)
