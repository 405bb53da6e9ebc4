"""The page on the IR: every dialect, type, attribute, operation and pass, made from their definitions.

    python -m ir.document > docs/ir.md

A page written by hand would be wrong after the next change; a test keeps the written one equal to this.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator

from xdsl.ir import Attribute, Dialect, Operation, ParametrizedAttribute
from xdsl.irdl import (
    IRDLOperation,
    OpDef,
    OptOperandDef,
    OptPropertyDef,
    OptRegionDef,
    OptResultDef,
    VarRegionDef,
    VarSingleBlockRegionDef,
)
from xdsl.passes import ModulePass, get_pass_option_infos
from xdsl.traits import HasParent, OpTrait

from ir.constraint_text import attribute_mark, constraint_text
from ir.dialects import task
from ir.dialects.llm import ModelPartOp
from ir.docstring_markdown import docstring_markdown
from ir.pipeline import AFTER_SOLVE, DEFAULT_PIPELINE, OPTIONAL_PASSES, STAGES
from ir.universe import DIALECTS

COMMAND = "python -m ir.document > docs/ir.md"
"""How the page is made again."""

Row = tuple[str, str, str]

SHARED = (task.TaskOp, task.FunctionOp, task.CallOp, task.PartOp, task.PriorOp, ModelPartOp)
"""What several operations have in common; the page lists their properties once."""

_HEAD = f"""# The intermediate representation

Made by `{COMMAND}` from the definitions in `ir/dialects` and `ir/passes`; change those, not this page.

Modules are MLIR text, read and written by [xDSL](https://xdsl.dev): `orchestrator ir FILE` prints an agent as a module,
and stock `xdsl-opt` reads it with these dialects and passes. In the tables, *a value* is `!agent.json`, `!agent.text`
or `!agent.audio`, a *flag* is a property that is there or not, and what has a `?` after its name may be absent.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_contents(), *_shared(), *_dialects(), *_passes()]).rstrip() + "\n"


def _contents() -> Iterator[str]:
    yield "| dialect | operations | types and attributes |\n|---|---|---|"
    for dialect in DIALECTS:
        operations = ", ".join(f"[`{op.name}`](#{_anchor(op.name)})" for op in dialect.operations)
        attributes = ", ".join(f"`{attribute_mark(each)}`" for each in dialect.attributes)
        yield f"| [`{dialect.name}`](#{dialect.name}) | {operations} | {attributes} |"
    yield f"\nStages of the default pipeline, in order: {', '.join(f'`{stage}`' for stage in STAGES)}.\n"


def _shared() -> Iterator[str]:
    yield "## What operations share\n"
    yield "Properties that several operations have; each operation below says which of these groups it takes.\n"
    for mixin in SHARED:
        yield f"### {mixin.__name__}\n\n{docstring_markdown(mixin)}\n"
        yield from _table(("property", "role", "what it may be"), _own_properties(mixin))


def _dialects() -> Iterator[str]:
    for dialect in DIALECTS:
        yield f"## {dialect.name}\n\n{docstring_markdown(inspect.getmodule(_home(dialect)))}\n"
        if list(dialect.attributes):
            yield "| type or attribute | parameters |\n|---|---|"
            yield from (_attribute_row(each) for each in dialect.attributes)
            yield ""
        for op in dialect.operations:
            yield from _operation(op)


def _home(dialect: Dialect) -> type:
    """A class that the dialect's own file defines."""
    prefix = f"ir.dialects.{dialect.name}"
    return next(each for each in (*dialect.operations, *dialect.attributes) if each.__module__ == prefix)


def _attribute_row(attribute: type[Attribute]) -> str:
    parameters: list[str] = []
    if issubclass(attribute, ParametrizedAttribute):
        defined = attribute.get_irdl_definition().parameters
        parameters = [f"`{name}`: {constraint_text(each.constr)}" for name, each in defined]
    return f"| {_cell(docstring_markdown(attribute))} | {'; '.join(parameters)} |"


def _operation(op: type[Operation]) -> Iterator[str]:
    assert issubclass(op, IRDLOperation), "every operation is declared"
    definition = op.get_irdl_definition()
    yield f"### {op.name}\n\n{docstring_markdown(op)}\n"
    yield f"Format: `` {definition.assembly_format} ``\n"
    shared = [f"[{mixin.__name__}](#{mixin.__name__.lower()})" for mixin in SHARED if issubclass(op, mixin)]
    traits = [_trait(each) for each in (definition.traits.traits if definition.traits else ())]
    facts = [("Properties of", shared), ("Traits", sorted(traits))]
    said = ". ".join(f"{what}: {', '.join(items)}" for what, items in facts if items)
    if said:
        yield f"{said}.\n"
    yield from _table(("part", "role", "what it may be"), _parts(op, definition))


def _parts(op: type[IRDLOperation], definition: OpDef) -> Iterator[Row]:
    """Name, role and constraint of every operand, property, region and result that no shared class has."""
    for name, operand in definition.operands:
        yield _marked(name, isinstance(operand, OptOperandDef)), "operand", constraint_text(operand.constr)
    taken = {name for mixin in SHARED if issubclass(op, mixin) for name in _property_names(mixin)}
    for name, each in definition.properties.items():
        if name not in taken:
            yield _marked(name, isinstance(each, OptPropertyDef)), "property", constraint_text(each.constr)
    for name, region in definition.regions:
        many = "any number, each " if isinstance(region, VarRegionDef | VarSingleBlockRegionDef) else ""
        yield _marked(name, isinstance(region, OptRegionDef)), "region", f"{many}one block"
    for name, result in definition.results:
        yield _marked(name.rstrip("_"), isinstance(result, OptResultDef)), "result", constraint_text(result.constr)


def _own_properties(mixin: type[IRDLOperation]) -> Iterator[Row]:
    defined = _first_op(mixin).properties
    for name in _property_names(mixin):
        yield (
            _marked(name, isinstance(defined[name], OptPropertyDef)),
            "property",
            constraint_text(defined[name].constr),
        )


def _property_names(mixin: type[IRDLOperation]) -> list[str]:
    """Names, as they are written, of the properties that a class itself defines."""
    accessors = _first_op(mixin).accessor_names
    return [accessors[name][0] for name in vars(mixin) if name in accessors]


def _first_op(mixin: type[IRDLOperation]) -> OpDef:
    """The definition of an operation that takes a class's properties; a class itself has none."""
    op = next(op for dialect in DIALECTS for op in dialect.operations if issubclass(op, mixin))
    return op.get_irdl_definition()


def _trait(trait: OpTrait) -> str:
    parents = ", ".join(parent.name for parent in trait.op_types) if isinstance(trait, HasParent) else ""
    return f"`{type(trait).__name__}{parents and f'({parents})'}`"


def _passes() -> Iterator[str]:
    yield "## Passes\n\nThe default pipeline, in its order, those after the solve, and then the passes outside it.\n"
    for number, each in enumerate(DEFAULT_PIPELINE, 1):
        yield from _pass(each, f"Number {number} of the default pipeline.")
    for number, each in enumerate(AFTER_SOLVE, 1):
        yield from _pass(each, f"Number {number} after the solve, behind the default pipeline.")
    for each in OPTIONAL_PASSES:
        yield from _pass(each, "Outside the default pipeline.")


def _pass(each: type[ModulePass], place: str) -> Iterator[str]:
    yield f"### {each.name}\n\n*{place}*\n\n{docstring_markdown(each)}\n"
    yield f"{docstring_markdown(inspect.getmodule(each))}\n"
    options = [(f"`{name}`", kind.strip("'"), f"`{default}`") for name, kind, default in get_pass_option_infos(each)]
    yield from _table(("option", "type", "default"), options)


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a table; none where there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if lines:
        yield "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""])


def _marked(name: str, optional: bool) -> str:
    return f"`{name}`{'?' if optional else ''}"


def _cell(text: str) -> str:
    """Text that stands in a cell of a table: on one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    """The link target that a heading gets on common forges."""
    return heading.replace(".", "").replace(" ", "-").lower()


if __name__ == "__main__":
    sys.stdout.write(page())
