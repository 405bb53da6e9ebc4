"""The rule of names in a graph: an id is unique, a value is defined before it is read, no name hides one that is read.

Expressions, the plan and the runtime find values by name; SSA finds them by identity. The rule keeps both the same.
xDSL itself does not check that a value is defined before it is used.
"""

from __future__ import annotations

from collections.abc import Container
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Block, Operation
from xdsl.utils.exceptions import VerifyException

CHOICE = "plan.choose"
"""The operation whose regions may define the same ids: they are ways to do the same."""


FUSED = "agent.fused"
"""The operation whose value has the name that the last operation in its region gives it."""


def own_id(op: Operation) -> str | None:
    """The id of a task, or None for an operation that is no task."""
    attribute = op.properties.get("id")
    return attribute.data if isinstance(attribute, StringAttr) else None


def value_id(op: Operation) -> str | None:
    """The name of an operation's value in expressions: its id, or that of the last of computes that were fused."""
    if op.name == FUSED and op.regions[0].block.last_op is not None:
        made_by = op.regions[0].block.last_op.operands[0].owner
        return own_id(made_by) if isinstance(made_by, Operation) else None
    return own_id(op)


def region_parameters(op: Operation) -> list[tuple[str, ...]]:
    """The names of the block arguments of each region of an operation."""
    parameter = op.properties.get("parameter")
    if isinstance(parameter, StringAttr):
        return [(parameter.data,)] * len(op.regions)
    parameters = op.properties.get("parameters")
    if isinstance(parameters, ArrayAttr) and op.name == "agent.react":
        turn, tool = (name.data for name in cast("ArrayAttr[StringAttr]", parameters))
        return [(turn,), *[(tool,)] * (len(op.regions) - 1)]
    return [()] * len(op.regions)


def names_in(block: Block) -> set[str]:
    """Every id and every name of a region's parameter in a graph's body."""
    names: set[str] = set()
    for op in block.walk():
        identifier = own_id(op)
        if identifier is not None:
            names.add(identifier)
        if op.regions:
            names.update(*region_parameters(op))
    return names


def fresh(wanted: str, taken: Container[str]) -> str:
    """The name, or the name with the first number from 2 that is free."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name


def verify_names(body: Block, parameters: tuple[str, ...]) -> None:
    """Check a graph's body, whose block arguments have the given names. Raises `VerifyException`."""
    _Walk().enter(body, parameters)


_Called = tuple[str, object] | None
"""What a value is called, and what the name means where it does so; None for a value without a name."""


_UNDEFINED: tuple[str, object] = ("", None)


class _Walk:
    """One pass over a graph. `meaning` says what each name means here, `defined` which values there are by identity.

    Values are found by `id`, since xDSL's own hash of a value is a call of Python for each.
    """

    def __init__(self) -> None:
        self.ids: dict[str, None] = {}
        self.meaning: dict[str, object] = {}
        self.defined: dict[int, _Called] = {}

    def enter(self, block: Block, parameters: tuple[str, ...]) -> None:
        hidden: list[tuple[str, object]] = []
        own: list[int] = []
        for index, argument in enumerate(block.args):
            called: _Called = None
            if index < len(parameters):
                called = self.bind(parameters[index], argument, hidden)
            self.defined[id(argument)] = called
            own.append(id(argument))
        for op in block.ops:
            self.check_operands(op)
            if op.regions:
                self.enter_regions(op)
            identifier = own_id(op)
            called = None
            if identifier is not None:
                self.claim(identifier)
                called = self.bind(value_id(op) or identifier, op, hidden)
            for result in op.results:
                self.defined[id(result)] = called
                own.append(id(result))
        for name, previous in reversed(hidden):
            self.meaning[name] = previous
        for value in own:
            del self.defined[value]

    def bind(self, name: str, meaning: object, hidden: list[tuple[str, object]]) -> tuple[str, object]:
        hidden.append((name, self.meaning.get(name)))
        self.meaning[name] = meaning
        return name, meaning

    def check_operands(self, op: Operation) -> None:
        for operand in op.operands:
            called = self.defined.get(id(operand), _UNDEFINED)
            if called is _UNDEFINED:
                raise VerifyException(
                    f"{_called(op)} reads a value that is not defined before it; a graph has no cycles"
                )
            if called is not None and self.meaning.get(called[0]) is not called[1]:
                raise VerifyException(
                    f"{_called(op)} reads a value named {called[0]!r}, which another {called[0]!r} hides; "
                    "rename one of them"
                )

    def enter_regions(self, op: Operation) -> None:
        claimed: dict[str, None] = {}
        for region, parameters in zip(op.regions, region_parameters(op), strict=True):
            before = len(self.ids)
            for block in region.blocks:
                self.enter(block, parameters)
            if op.name == CHOICE:
                claimed.update(self.forget(len(self.ids) - before))
        self.ids.update(claimed)

    def forget(self, count: int) -> dict[str, None]:
        """Take back the last ids that were claimed, so that another alternative may claim them too."""
        return dict(self.ids.popitem() for _ in range(count))

    def claim(self, identifier: str) -> None:
        if identifier in self.ids:
            raise VerifyException(f"two tasks have the id {identifier!r}; an id is unique in its graph")
        self.ids[identifier] = None


def _called(op: Operation) -> str:
    """What an error calls an operation."""
    return own_id(op) or op.name
