"""The models of a structure: a row that is created together with the rows that belong to it, in one call.

The database takes them as json. What they are made of follows from what creates each of the rows on its own: a part leaves out the
references, which its place decides.
"""

from itertools import pairwise

from .catalog import Function
from .models import Models, model_name
from .names import noun
from .shapes import Shape

# The functions that take a structure, and the relations that it has rows of, each belonging to those before it. Such a function's
# arguments are the row at the top and a list of the rows below it; every list goes by the name of its relation.
STRUCTURES = {"create_goal_with_structure": ("goals", "milestones", "tasks")}


def write_structure(function: Function, shapes: list[Shape], models: Models) -> str:
    """Define the models and return the name of the one that holds the others: the function's arguments."""
    by_name = {shape.relation.name: shape for shape in shapes}
    levels = [by_name[name] for name in STRUCTURES[function.name]]
    held: list[str] = []
    for owner, part in reversed(list(pairwise(levels))):
        own = [models.to_create(field) for field in part.creatable if not field.is_reference]
        text = f"Creates a row of {part.relation.name} within a structure."
        models.write_input(part, "Structure", text, own + held)
        description = f"The {noun(owner.relation.name)}'s {part.relation.name}."
        held = [models.to_hold(part.relation.name, model_name(part, "Structure"), description)]
    top = levels[0]
    whole = f"{noun(top.relation.name)}: {model_name(top, 'Create')}"
    models.write_input(top, "StructureCreate", function.comment or f"The arguments of {function.name}.", [whole, *held])
    return model_name(top, "StructureCreate")
