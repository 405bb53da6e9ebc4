"""Problems for the tests of placement: random small ones for Hypothesis, and the paper's worked example.

Times are multiples of 10 ms and costs of one unit, so that ties and plans exactly on a limit are common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from ir.sla import STATS, Sla
from placement.prepared import inner_blocks
from placement.problem import (
    Block,
    BranchNode,
    ChooseNode,
    DeviceCapacity,
    Edge,
    FanoutNode,
    LoopNode,
    Node,
    Operator,
    OpNode,
    Option,
    Pool,
    Problem,
    Transfer,
)

FREE = Transfer(0.0, 0.0)


def pool(name: str, device: str | None = None, *, tp: int = 1, place: str | None = None) -> Pool:
    """A pool on a class and at a place of its own name."""
    where = place or name
    return Pool(name, device or name, "site", tp, None, None, where, where)


def operator(name: str, *options: tuple[int, float, float], visits: float = 1.0) -> Operator:
    """An operator with options (pool, seconds, dollars)."""
    return Operator(name, "op", visits, tuple(Option(*option) for option in options))


def chain(*nodes: Node) -> Block:
    """Each node waits for the one before."""
    return Block(nodes, tuple((index - 1,) if index else () for index in range(len(nodes))))


def parallel(*nodes: Node) -> Block:
    """No node waits for another."""
    return Block(nodes, ((),) * len(nodes))


def problem(
    operators: tuple[Operator, ...],
    root: Block,
    *,
    pools: tuple[Pool, ...],
    edges: tuple[Edge, ...] = (),
    counts: int = 100,
    **rest: object,
) -> Problem:
    """A problem whose device classes have `counts` devices each."""
    devices = dict.fromkeys(one.device for one in pools)
    capacities = tuple(DeviceCapacity(device, counts) for device in devices)
    return Problem("test", operators, pools, capacities, edges, root, **rest)  # type: ignore[arg-type]


def worked_example(limit_s: float | None) -> Problem:
    """Prefill 1000 tokens, decode 500; HP::CO moves the KV cache in 10 ms for 0.000005 $ per prefill token."""
    table = {("HP", "HP"): FREE, ("CO", "CO"): FREE, ("HP", "CO"): Transfer(0.010, 1000 * 0.000005)}
    return problem(
        (
            operator("prefill", (0, 0.080, 1000 * 0.00008), (1, 0.130, 1000 * 0.00005)),
            operator("decode", (0, 0.025, 500 * 0.00006), (1, 0.030, 500 * 0.00002)),
        ),
        chain(OpNode(0), OpNode(1)),
        pools=(pool("HP"), pool("CO")),
        edges=(Edge(0, 1, "kv_place", 1.0, 1.0, table),),
        sla=Sla("worst", limit_s) if limit_s else None,
    )


@dataclass
class _Growth:
    """A tree under construction: how many operators and choices it has."""

    draw: Callable[..., object]
    most: int
    operators: int = 0
    controls: int = 0
    choices: list[tuple[str, ...]] = field(default_factory=list)

    def pick(self, strategy: st.SearchStrategy[object]) -> object:
        return self.draw(strategy)


@st.composite
def small_problems(draw: st.DrawFn, most_operators: int = 5, sla: bool | None = None) -> Problem:
    """Problems that brute force can enumerate. `sla` says whether there is one (None: drawn)."""
    growth = _Growth(draw, draw(st.integers(1, most_operators)))
    root = _block(growth, 0)
    devices = ("cheap", "fast")
    pools = tuple(_pool(draw, index, devices) for index in range(draw(st.integers(1, 4))))
    usd = draw(st.sampled_from([1.0, 1e-6, 1e3]))
    indices = st.integers(0, growth.operators - 1) if growth.operators else st.nothing()
    groups = draw(st.lists(st.tuples(indices, indices), max_size=1)) if growth.operators > 1 else []
    edges = draw(st.integers(0, 4)) if growth.operators else 0
    limited = draw(st.booleans()) if sla is None else sla
    streams = list(_streamable(root))
    items = draw(st.sampled_from([None, 2.0, 5.0])) if streams else None
    streamed = draw(st.lists(st.sampled_from(streams), max_size=3)) if streams and items else []
    return Problem(
        name="random",
        operators=tuple(_operator(draw, index, len(pools), usd) for index in range(growth.operators)),
        pools=pools,
        capacities=tuple(DeviceCapacity(device, draw(st.sampled_from([8, 3, 2, 1, 0]))) for device in devices),
        edges=(
            *(_edge(draw, draw(indices), draw(indices), usd) for _ in range(edges)),
            *(replace(_edge(draw, src, dst, usd), items=items) for ends in streamed for src, dst in ends),
        ),
        root=root,
        choices=tuple(growth.choices),
        groups=tuple(groups),
        sla=Sla(draw(st.sampled_from(STATS)), draw(st.integers(1, 25)) * 0.01) if limited else None,
        penalty_usd_per_s=draw(st.sampled_from([None, None, 10.0 * usd, 1000.0 * usd])),
    )


def _streamable(block: Block) -> Iterator[tuple[tuple[int, int], ...]]:
    """The edges from an operator, or from the last operators of a choice's alternatives, to one that waits for it."""
    for node, waits in zip(block.nodes, block.waits_for, strict=True):
        if isinstance(node, OpNode):
            found = ([(source, node.operator) for source in _sources(block.nodes[one])] for one in waits)
            yield from (tuple(ends) for ends in found if ends)
        for inner in inner_blocks(node):
            yield from _streamable(inner)


def _sources(node: Node) -> list[int]:
    if isinstance(node, OpNode):
        return [node.operator]
    if not isinstance(node, ChooseNode):
        return []
    return [each for block in node.blocks if block.nodes for each in _sources(block.nodes[-1])]


def _pool(draw: st.DrawFn, index: int, devices: tuple[str, ...]) -> Pool:
    device = draw(st.sampled_from(devices))
    place, kv_place = draw(st.sampled_from(["a", "b"])), draw(st.sampled_from(["x", "y"]))
    return Pool(f"pool{index}", device, "site", draw(st.integers(1, 2)), None, None, place, kv_place)


def _operator(draw: st.DrawFn, index: int, pools: int, usd: float) -> Operator:
    least = 0 if draw(st.integers(0, 19)) == 19 else 1
    option = st.builds(
        Option,
        pool=st.integers(0, pools - 1),
        latency_s=st.integers(0, 10).map(lambda k: k * 0.01),
        cost_usd=st.integers(0, 10).map(lambda k: k * usd),
    )
    options = draw(st.lists(option, min_size=least, max_size=3))
    return Operator(f"op{index}", "op", draw(st.sampled_from([1.0, 0.3, 2.5])), tuple(options))


def _edge(draw: st.DrawFn, src: int, dst: int, usd: float) -> Edge:
    by = draw(st.sampled_from(["place", "kv_place"]))
    names = ("a", "b") if by == "place" else ("x", "y")
    transfer = st.builds(Transfer, st.integers(0, 5).map(lambda k: k * 0.01), st.integers(0, 3).map(lambda k: k * usd))
    table = {(name, name): FREE for name in names}
    for pair in (names, names[::-1]):
        found = draw(st.one_of(st.none(), transfer))
        if found is not None:
            table[pair] = found
    return Edge(src, dst, by, 1.0, draw(st.sampled_from([1.0, 0.5, 3.0])), table)


def _block(growth: _Growth, depth: int) -> Block:
    draw = growth.draw
    nodes = [_node(growth, depth) for _ in range(draw(st.integers(1 if depth == 0 else 0, 3)))]
    waits = [tuple(one for one in range(index) if draw(st.booleans())) for index in range(len(nodes))]
    return Block(tuple(nodes), tuple(waits))


def _node(growth: _Growth, depth: int) -> Node:
    draw = growth.draw
    kinds = ["op", "op", "branch", "loop", "fanout", "choose"] if depth < 2 else ["op"]
    kind = draw(st.sampled_from(kinds)) if growth.operators < growth.most else "empty"
    growth.controls += 1
    name = f"{kind}{growth.controls}"
    if kind == "op":
        growth.operators += 1
        return OpNode(growth.operators - 1)
    if kind == "branch":
        p = draw(st.sampled_from([0.0, 0.01, 0.02, 0.25, 0.5, 0.9]))
        return BranchNode(name, (p, 1.0 - p), (_block(growth, depth + 1), _block(growth, depth + 1)))
    if kind == "loop":
        minimum, more, cap = draw(st.integers(0, 1)), draw(st.sampled_from([0.0, 0.4, 1.0])), draw(st.integers(0, 3))
        return LoopNode(name, minimum + more, minimum + 1 + cap, _block(growth, depth + 1), minimum)
    if kind == "choose":
        return _choose(growth, depth)
    return FanoutNode(name, 2.0, 4, _block(growth, depth + 1) if kind == "fanout" else Block((), ()))


def _choose(growth: _Growth, depth: int) -> Node:
    if not growth.choices or growth.draw(st.integers(0, 3)):
        growth.choices.append(("one", "two"))
    choice = growth.draw(st.integers(0, len(growth.choices) - 1))
    return ChooseNode(choice, (_block(growth, depth + 1), _block(growth, depth + 1)))
