"""SQL names as Python names."""

import keyword

from .catalog import CannotGenerate

# Names that a Pydantic field can't have: attributes of BaseModel, and types that annotations use.
_BASE_MODEL = {"construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema"}
_BASE_MODEL |= {"schema_json", "update_forward_refs", "validate"}
_TYPES = {"bool", "dict", "float", "int", "list", "str"}


def class_name(name: str) -> str:
    """task_statistics becomes TaskStatistics."""
    camel = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    if not camel.isidentifier() or keyword.iskeyword(camel):
        raise CannotGenerate(f"{name!r} can't become the name of a Python class")
    return camel


def singular(name: str) -> str:
    """The name of one row: tasks becomes task, goals_full goal_full; demo_flags stays. The first word is the noun."""
    first, underscore, rest = name.partition("_")
    if first.endswith("ies"):
        first = first.removesuffix("ies") + "y"
    elif first.endswith(("ches", "shes")):
        first = first.removesuffix("es")
    elif first.endswith("s") and not first.endswith(("ss", "us", "is")):
        first = first.removesuffix("s")
    return first + underscore + rest


def constant_name(name: str) -> str:
    """must-not-miss becomes MUST_NOT_MISS."""
    constant = name.upper().replace("-", "_").replace(" ", "_")
    if not constant.isidentifier() or constant.startswith("_"):
        raise CannotGenerate(f"{name!r} can't become the name of a Python constant")
    return constant


def field_name(owner: str, name: str) -> str:
    """The name unchanged, if a Pydantic model can have a field of that name."""
    reserved = name in _BASE_MODEL or name in _TYPES or name.startswith(("_", "model_"))
    if not name.isidentifier() or keyword.iskeyword(name) or reserved:
        raise CannotGenerate(f"{owner} has {name!r}, which can't be the name of a Python model's field: rename it")
    return name


def noun(name: str) -> str:
    """One row of a table, in words: notification_log becomes notification log."""
    return singular(name).replace("_", " ")


def with_article(words: str) -> str:
    """A user, an order."""
    return f"{'An' if words[:1] in 'aeio' else 'A'} {words}"
