"""Makes the KV of a prompt's beginning once for all calls of a run whose prompts begin with the same tokens.

A system prompt is the same in every call of a function, and of functions with the same one; its KV too (Kwon et al.
2023, "vLLM", section 4.4; Zheng et al. 2024, "SGLang"). Before:

    %text = plan.choose @answer_choice %prompt alternative "colocated" {
    ^bb0(%p : !llm.tokens<900>):
      %kv, %first = llm.prefill @answer_prefill %p ... {starts_with = #llm.prefix<800, "9f86">, ...}

and after it, at the place that all who share it come from:

    %begun = llm.prefix_prefill @answer_prefix call "answer" ... {starts_with = #llm.prefix<800, "9f86">, ...}
    %text = plan.choose @answer_choice %prompt, %begun alternative "colocated" {
    ^bb0(%p : !llm.tokens<900>, %b : !llm.kv<"llama3.1-8b", 800, ?>):
      %kv, %first = llm.prefill @answer_prefill %p prefix %b ... {starts_with = #llm.prefix<800, "9f86">, ...}

It is a rewriting, not an alternative: the cost of the prefix belongs to all who share it and so to no choice of one
call. Where a fleet makes it dearer than no sharing, `orchestrator.forms` plans the agent without this pass.

The place: of the blocks around all sharers the one that runs least often on average, the innermost of equals, there
before the first of them. It is taken only if it runs less often than the sharers do together, so that a call that
runs once, or two in branches that are rarely taken, stay as they are. All prefills that share use the prefix's pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneAttr
from xdsl.ir import Attribute, Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from ir.build import properties
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.llm import KvType, PrefillOp, PrefixPrefillOp
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import ChooseOp
from ir.view import turn_of
from ir.visits import block_visits

_INHERITED = ("name", "where", "function", "timeout_s", "retries", "idempotent", "call", "models", "starts_with")
"""What the operation that makes the prefix takes over from the first prefill that shares it."""


@dataclass(frozen=True)
class HoistSharedPrefixPass(ModulePass):
    """Gives calls whose prompts begin alike, on the same models, the KV of that beginning from one operation.

    The turns of a react have its tools in their prompts, so they share with each other only. A call shares whose
    prefills, in all alternatives, read the choice's first operand.
    """

    name = "hoist-shared-prefix"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                found = _sharers(graph)
                taken = names_in(graph.body.block) | set(names_of(graph.parameters)) if found else set[str]()
                for sharers in found.values():
                    _hoist(sharers, taken)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call's choice, and the prefills of its alternatives."""

    choice: ChooseOp
    prefills: tuple[PrefillOp, ...]


def _sharers(graph: GraphOp) -> dict[tuple[Attribute, Attribute, Operation | None], list[_Call]]:
    """The calls by what their prompts begin with, in order of execution."""
    found: dict[tuple[Attribute, Attribute, Operation | None], list[_Call]] = {}
    for choice in [op for op in graph.walk() if isinstance(op, ChooseOp)]:
        prefills = tuple(_prefills(choice))
        first = next(iter(prefills), None)
        if first is None or first.starts_with is None or len(prefills) != len(choice.alternatives):
            continue
        found.setdefault((first.starts_with, first.models, turn_of(choice)), []).append(_Call(choice, prefills))
    return found


def _prefills(choice: ChooseOp) -> Iterator[PrefillOp]:
    """The prefills of a choice that read its prompt, at once, and have no prefix yet."""
    for region in choice.alternatives:
        for op in region.block.ops:
            if isinstance(op, PrefillOp) and op.prefix is op.chunk_tokens is None and op.prompt in region.block.args:
                yield op


def _hoist(calls: Sequence[_Call], taken: set[str]) -> None:
    place = _place([call.choice for call in calls])
    if place is None:
        return
    first = calls[0].prefills[0]
    assert first.starts_with is not None, "calls without a prefix share none"
    name = fresh(f"{first.call.data}_prefix", taken)
    taken.add(name)
    kept = {key: value for key, value in first.properties.items() if key in _INHERITED}
    prefix = PrefixPrefillOp.create(
        result_types=[KvType(first.models, first.starts_with.tokens, NoneAttr())],
        properties=kept | properties({"id": name}),
    )
    prefix.kv.name_hint = "begun"
    Rewriter.insert_op(prefix, InsertPoint.before(place))
    for call in calls:
        _give(call, prefix)


def _give(call: _Call, prefix: PrefixPrefillOp) -> None:
    """Let the prefills of a call read the prefix, through an operand of their choice."""
    call.choice.operands = [*call.choice.operands, prefix.kv]
    for prefill in call.prefills:
        block = prefill.parent
        assert block is not None, "a prefill of a choice is in one of its regions"
        argument = block.insert_arg(prefix.kv.type, len(block.args))
        argument.name_hint = "begun"
        prefill.operands = [prefill.prompt, argument]


def _place(choices: Sequence[ChooseOp]) -> Operation | None:
    """The operation before which the prefix is made; None where that saves nothing, or nobody knows."""
    visits = [None if choice.parent is None else block_visits(choice.parent) for choice in choices]
    together = 0.0
    for each in visits:
        if each is None:
            return None
        together += each
    best: tuple[float, Block] | None = None
    for block in _around(choices[0]):
        if not all(block.find_ancestor_op_in_block(choice) for choice in choices):
            continue
        runs = block_visits(block)
        if runs is not None and (best is None or runs < best[0]):
            best = runs, block
    if best is None or not best[0] < together:
        return None
    return best[1].find_ancestor_op_in_block(choices[0])


def _around(op: Operation) -> Iterator[Block]:
    """The blocks that an operation is in, the innermost first, up to that of its graph."""
    block = op.parent
    while block is not None:
        yield block
        parent = block.parent_op()
        if parent is None or isinstance(parent, GraphOp):
            return
        block = parent.parent
