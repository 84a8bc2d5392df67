"""The SQL of the gateway to Postgres: each of the five operations as one statement that takes and returns JSON.

Names of relations, columns, functions and types come from the generated bindings only; values travel as parameters.
"""

from functools import cache, lru_cache

from dao_service.bindings import RESULT, AnyFunction, AnyRelation


def _record(names: tuple[str, ...], types: tuple[str, ...]) -> str:
    """A row source with these columns, read from the JSON object that is the first parameter."""
    if not names:
        return "(select $1::json) as given"
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, types, strict=True))
    return f"json_to_record($1) as given({columns})"


def select(relation: AnyRelation) -> str:
    """Takes the key; returns the row."""
    return _select(relation.schema, relation.name, relation.key)


@cache
def _select(schema: str, name: str, key: str) -> str:
    return f'select row_to_json("{name}") from "{schema}"."{name}" where "{key}" = $1::uuid'


def insert(relation: AnyRelation, names: tuple[str, ...]) -> str:
    """Takes the new row; returns it as it was stored."""
    return _insert(relation.schema, relation.name, names, _types(relation, names))


@lru_cache(maxsize=1024)
def _insert(schema: str, name: str, names: tuple[str, ...], types: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{column}"' for column in names)
    return (
        f'insert into "{schema}"."{name}" ({columns}) select {columns} from {_record(names, types)} returning row_to_json("{name}")'
    )


def update(relation: AnyRelation, names: tuple[str, ...]) -> str:
    """Takes the changes and the key; returns the changed row."""
    return _update(relation.schema, relation.name, relation.key, names, _types(relation, names))


@lru_cache(maxsize=1024)
def _update(schema: str, name: str, key: str, names: tuple[str, ...], types: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{column}" = given."{column}"' for column in names)
    return (
        f'update "{schema}"."{name}" set {changes} from {_record(names, types)} '
        f'where "{name}"."{key}" = $2::uuid returning row_to_json("{name}")'
    )


def delete(relation: AnyRelation) -> str:
    """Takes the key; returns it if there was a row."""
    return (
        f'delete from "{relation.schema}"."{relation.name}" where "{relation.key}" = $1::uuid returning to_json("{relation.key}")'
    )


def call(function: AnyFunction, names: tuple[str, ...]) -> str:
    """Takes the arguments; returns the result."""
    types = tuple(function.argument_types[name] for name in names)
    return _call(function.schema, function.name, names, types, written=function.media_type != RESULT)


@lru_cache(maxsize=1024)
def _call(schema: str, name: str, names: tuple[str, ...], types: tuple[str, ...], *, written: bool) -> str:
    """`written`: the result is JSON already and need not be copied."""
    arguments = ", ".join(f'"{argument}" => given."{argument}"' for argument in names)
    result = f'"{schema}"."{name}"({arguments})'
    return f"select {result if written else f'to_json({result})'} from {_record(names, types)}"


def showing_both_contracts(statement: str, relation: str, schema: str) -> str:
    """The statement, with the rows of its answer in the words of both contracts. `schema` is that of the call's contract."""
    shown = f"private.show_both_contracts(value::jsonb, '{relation}', '{schema}')::json"
    return f"with answer (value) as ({statement}) select {shown} from answer"


def _types(relation: AnyRelation, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(relation.column_types[name] for name in names)
