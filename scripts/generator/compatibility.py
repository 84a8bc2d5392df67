"""Finds the changes between two OpenAPI documents that break callers.

A valid request must stay valid, and a response must keep its promises. New paths, fields, words and wider limits break nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import gt, lt
from typing import Any

Json = dict[str, Any]

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_METHODS = ("get", "put", "post", "patch", "delete")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """One line per breaking change."""
    return list(_Comparison(old, new).of_paths())


@dataclass(frozen=True)
class _Comparison:
    old: Json
    new: Json

    def of_paths(self) -> Iterator[str]:
        for path, item in self.old["paths"].items():
            for method in item.keys() & set(_METHODS):
                where = f"{method.upper()} {path}"
                operation = self.new["paths"].get(path, {}).get(method)
                if operation is None:
                    yield f"{where} is gone"
                else:
                    yield from self._of_operation(where, item[method], operation)

    def _of_operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: the operationId was {old['operationId']}"
        yield from self._of_parameters(where, self._parameters(self.old, old), self._parameters(self.new, new))
        yield from self._of_body(where, old.get("requestBody", {}), new.get("requestBody", {}))
        yield from self._of_answers(where, old["responses"], new["responses"])
        if not _ways_in(old) <= _ways_in(new):
            yield f"{where}: no longer accepts every kind of caller"

    def _of_body(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{where}: a body is required"
        if (schema := _schema(old)) is not None:
            yield from self._of_input(f"{where} body", schema, _schema(new))

    def _of_answers(self, where: str, old: Json, new: Json) -> Iterator[str]:
        for status, answer in old.items():
            if status not in new:
                yield f"{where}: the response {status} is gone"
            elif (schema := _schema(_resolved(self.old, answer))) is not None:
                yield from self._of_output(f"{where} {status}", schema, _schema(_resolved(self.new, new[status])))

    def _of_parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        for name, parameter in old.items():
            if name not in new:
                yield f"{where}: the parameter {name} is gone"
                continue
            if new[name].get("required") and not parameter.get("required"):
                yield f"{where}: the parameter {name} is required"
            yield from self._of_input(f"{where} {name}", parameter["schema"], new[name]["schema"])
        for name in new.keys() - old.keys():
            if new[name].get("required"):
                yield f"{where}: the parameter {name} is required"

    @staticmethod
    def _parameters(document: Json, operation: Json) -> Json:
        found = (_resolved(document, each) for each in operation.get("parameters", ()))
        return {each["name"]: each for each in found}

    def _of_input(self, where: str, old: Json, new: Json | None) -> Iterator[str]:
        """Compares what callers may send."""
        accepted = _by_type(self.new, new)
        for kind, before in _by_type(self.old, old).items():
            after = _alternative(accepted, kind)
            if after is None:
                yield f"{where}: the type {kind} is gone"
                continue
            yield from _of_limits(where, before, after)
            yield from _of_words(where, before, after)
            for name, field in before.get("properties", {}).items():
                if name not in after.get("properties", {}):
                    yield f"{where}.{name} is gone"
                else:
                    yield from self._of_input(f"{where}.{name}", field, after["properties"][name])
            if "items" in before and "items" in after:
                yield from self._of_input(f"{where}[]", before["items"], after["items"])

    def _of_output(self, where: str, old: Json, new: Json | None) -> Iterator[str]:
        """Compares what callers may rely on in a response."""
        promised = _by_type(self.old, old)
        for kind, after in _by_type(self.new, new).items():
            before = _alternative(promised, kind)
            if before is None:
                yield f"{where}: may be {kind}"
                continue
            if before.get("format") not in (None, after.get("format")):
                yield f"{where}: the format was {before['format']}"
            yield from _of_words(where, before, after)
            for name, field in before.get("properties", {}).items():
                if name not in after.get("properties", {}):
                    yield f"{where}.{name} is gone"
                    continue
                if name in before.get("required", ()) and name not in after.get("required", ()):
                    yield f"{where}.{name} may be absent"
                yield from self._of_output(f"{where}.{name}", field, after["properties"][name])
            if "items" in before and "items" in after:
                yield from self._of_output(f"{where}[]", before["items"], after["items"])


def _of_limits(where: str, old: Json, new: Json) -> Iterator[str]:
    for names, narrows in ((_LEAST, gt), (_MOST, lt)):
        for name in names:
            if name in new and (name not in old or narrows(new[name], old[name])):
                yield f"{where}: {name} is {new[name]}, was {old.get(name, 'none')}"
    for name in ("pattern", "format"):
        if name in new and new[name] != old.get(name):
            yield f"{where}: the {name} is {new[name]}"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{where}: rejects other fields"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{where}.{name} is required"


def _of_words(where: str, old: Json, new: Json) -> Iterator[str]:
    before, after = _words(old), _words(new)
    if after is not None and before is None:
        yield f"{where}: accepts only certain words"
    for word in sorted((before or set()) - (after or before or set())):
        yield f"{where}: the word {word} is gone"


def _words(schema: Json) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return {str(word) for word in schema["enum"]} if "enum" in schema else None


def _schema(part: Json) -> Json | None:
    """The schema of a body's or response's JSON."""
    schema: Json | None = part.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _by_type(document: Json, schema: Json | None) -> dict[str, Json]:
    """The alternatives of a schema, by their JSON type."""
    if schema is None:
        return {}
    resolved = _resolved(document, schema)
    if "anyOf" in resolved:
        return {kind: each for option in resolved["anyOf"] for kind, each in _by_type(document, option).items()}
    return {resolved.get("type", "any"): resolved}


def _alternative(found: dict[str, Json], kind: str) -> Json | None:
    """The alternative that accepts a type."""
    if kind == "integer" and "number" in found:
        return found["number"]
    return found.get(kind, found.get("any"))


def _resolved(document: Json, part: Json) -> Json:
    target = part.get("$ref")
    if target is None:
        return part
    found: Json = document
    for step in target.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _ways_in(operation: Json) -> set[tuple[str, ...]]:
    """The ways to authenticate, each as the names of its schemes."""
    return {tuple(sorted(each)) for each in operation.get("security", [{}])}
