"""What the nodes of a plan read: their expressions, nested blocks, free names and limits, whatever their kind.

`runtime.program` lays nodes out without caring for kinds; the differences between the eight kinds are all here.
"""

from __future__ import annotations

from ir.expression import ExpressionError, parse, references
from placement.plan import (
    Block,
    CallNode,
    FanoutNode,
    InterruptNode,
    LoopNode,
    Node,
    ObserveNode,
    OpNode,
    ReactNode,
    WhenNode,
)
from runtime.errors import ProgramError
from runtime.formula import Formula, Scope, resolve

NO_LIMIT = -1


def nested(node: Node) -> list[tuple[str, Block]]:
    """The blocks inside a node, each with the name of its part."""
    match node:
        case WhenNode():
            return [("then", node.then), ("orelse", node.orelse)]
        case LoopNode() | FanoutNode() | CallNode():
            return [("body", node.body)]
        case ReactNode():
            return [("turn", node.turn), *((f"tool {name}", block) for name, block in node.tools.items())]
        case _:
            return []


def _texts(node: Node) -> dict[str, str]:
    """The expressions of a node that are read in its own block's scope, without a loop's `until`."""
    match node:
        case OpNode():
            return node.inputs if node.rest is None else {**node.inputs, "(rest)": node.rest}
        case CallNode():
            return node.inputs
        case WhenNode():
            return {"condition": node.condition}
        case LoopNode():
            return {"init": node.init}
        case FanoutNode():
            return {"items": node.items}
        case ObserveNode():
            return {"value": node.value}
        case InterruptNode():
            return {"question": node.question}
        case ReactNode():
            return {}


def free_names(node: Node) -> set[str]:
    """Names that a node reads from outside itself."""
    names = {name for key, text in _texts(node).items() for name in _names(text, f"{node.id}.{key}")}
    if isinstance(node, LoopNode):
        names |= _names(node.until, f"{node.id}.until") - set(node.body.parameters)
    for part, block in nested(node):
        inner = set(_names(block.result, f"the result of {node.id}.{part}"))
        for child in block.nodes:
            inner |= free_names(child)
        names |= inner - set(block.parameters) - {child.id for child in block.nodes}
    return names


def _names(text: str, where: str) -> frozenset[str]:
    try:
        return references(parse(text))
    except ExpressionError as error:
        raise ProgramError(f"{where}: {error}") from None


def check_order(block: Block, reads: dict[str, set[str]]) -> None:
    """Every reference points backwards; what remains after taking away all that can run is a cycle."""
    done: set[str] = set()
    late = ""
    for node in block.nodes:
        if not late and reads[node.id] - done:
            late = f"node {node.id!r} reads {sorted(reads[node.id] - done)[0]!r}, which comes later"
        done.add(node.id)
    if not late:
        return
    left = {node.id: set(reads[node.id]) for node in block.nodes}
    while runnable := [name for name, sources in left.items() if not sources & left.keys()]:
        for name in runnable:
            del left[name]
    if left:
        raise ProgramError(f"the plan is cyclic: {', '.join(left)} wait for each other; remove one of the references")
    raise ProgramError(f"{late}; write the nodes in an order in which every reference points backwards")


def check_parameters(node: Node, part: str, block: Block) -> None:
    """A branch has no parameter, every other block one, and a call those that it is given."""
    if isinstance(node, CallNode):
        missing, extra = set(block.parameters) - node.inputs.keys(), node.inputs.keys() - set(block.parameters)
        if missing or extra:
            raise ProgramError(
                f"call {node.id!r} of agent {node.agent!r} gives {sorted(node.inputs)}, "
                f"its body takes {block.parameters}; give each parameter once"
            )
        return
    expected = 0 if isinstance(node, WhenNode) else 1
    if len(block.parameters) != expected:
        raise ProgramError(
            f"{node.kind} {node.id!r}: its {part} takes {expected} parameter(s), the plan gives {block.parameters}"
        )


def resolve_text(text: str, scope: Scope, where: str, bound: str | None = None) -> Formula:
    """Parse an expression and find its names. Raises `ProgramError` that says where it stands."""

    def unknown(name: str) -> ProgramError:
        known = ", ".join(sorted(scope.names())) or "none"
        return ProgramError(f"{where} reads {name!r}, which is no parameter and no node in scope; in scope: {known}")

    try:
        return resolve(parse(text), scope, bound, unknown)
    except ExpressionError as error:
        raise ProgramError(f"{where}: {error}") from None


def inputs(node: Node, scope: Scope) -> tuple[tuple[str, Formula], ...]:
    """Of an operator: its named arguments. Of a call: the values of the body's parameters, in their order."""
    match node:
        case OpNode():
            return tuple((key, resolve_text(text, scope, f"{node.id}.{key}")) for key, text in node.inputs.items())
        case CallNode():
            return tuple(
                (key, resolve_text(node.inputs[key], scope, f"{node.id}.{key}")) for key in node.body.parameters
            )
        case _:
            return ()


def formula(node: Node, scope: Scope) -> Formula | None:
    """The condition, init, items, value or question."""
    if isinstance(node, OpNode | CallNode | ReactNode):
        return None
    ((key, text),) = _texts(node).items()
    return resolve_text(text, scope, f"{node.id}.{key}")


def rest(node: Node, scope: Scope) -> Formula | None:
    """Of an operator: the value without a name."""
    if not isinstance(node, OpNode) or node.rest is None:
        return None
    return resolve_text(node.rest, scope, f"{node.id} (rest)")


def until(node: Node, scope: Scope) -> Formula | None:
    """Of a loop: its test, in which the body's parameter is bound to the current value."""
    if not isinstance(node, LoopNode):
        return None
    return resolve_text(node.until, scope, f"{node.id}.until", bound=node.body.parameters[0])


def limit(node: Node) -> int:
    """`max_iters`, `max` or `max_turns`; NO_LIMIT for other kinds."""
    match node:
        case LoopNode():
            return node.max_iters
        case FanoutNode():
            return node.max
        case ReactNode():
            return node.max_turns
        case _:
            return NO_LIMIT
