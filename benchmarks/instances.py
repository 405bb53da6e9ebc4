"""Seeded instances of the placement problems: agents that share pools of replicas, and single agents that pay by use.

What a solver reaches depends on the instance, so whoever prints a time prints `describe` of the instance beside it.
Device figures are round numbers of the order of public data sheets and cloud prices, not measurements.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ir.sla import Sla, Stat
from placement.evaluate import evaluate
from placement.problem import (
    Block,
    BranchNode,
    DeviceCapacity,
    Edge,
    FanoutNode,
    LoopNode,
    Node,
    Operator,
    OpNode,
    Option,
    Placement,
    Pool,
    Problem,
    Transfer,
)
from placement.shared_problem import AgentLoad, Level, Service, SharedProblem


@dataclass(frozen=True, slots=True)
class Class:
    """A device class: $/h and watts of one device, FLOP/s and bytes/s that it reaches, memory and network in bytes."""

    name: str
    usd_per_hour: float
    watts: float
    flops_per_s: float
    bytes_per_s: float
    memory_bytes: float
    network_bytes_per_s: float


CLASSES = (
    Class("b200", 6.00, 1100.0, 1.1e15, 5.6e12, 180e9, 50e9),
    Class("h200", 3.80, 750.0, 4.5e14, 3.4e12, 141e9, 50e9),
    Class("h100", 2.90, 750.0, 4.5e14, 2.4e12, 80e9, 50e9),
    Class("a100", 1.60, 450.0, 1.5e14, 1.4e12, 80e9, 25e9),
    Class("l40s", 0.95, 380.0, 1.6e14, 6.0e11, 48e9, 12e9),
    Class("mi300", 2.60, 800.0, 4.0e14, 3.5e12, 192e9, 50e9),
    Class("l4", 0.42, 85.0, 5.0e13, 2.2e11, 24e9, 6e9),
    Class("gaudi3", 2.10, 900.0, 4.2e14, 2.4e12, 128e9, 25e9),
)
CPU = Class("cpu", 0.04, 6.0, 0.0, 0.0, 4e9, 3e9)


@dataclass(frozen=True, slots=True)
class Model:
    """A language model: weights, KV bytes of a token, FLOP of a token."""

    name: str
    weight_bytes: float
    kv_bytes: float
    flops: float


MODELS = (
    Model("m8", 16e9, 131e3, 16e9),
    Model("m14", 28e9, 197e3, 28e9),
    Model("m70", 70e9, 328e3, 140e9),
)
BATCHES: Mapping[str, Sequence[int]] = {"prefill": (1, 4), "decode": (8, 32, 64)}
CAPS = (0.6, 0.85)
KV_TOKENS = 6000
LOADS: Mapping[str, float] = {"light": 0.05, "heavy": 2.0}
"""Runs a second of one agent."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What to generate: agents x operators, levels that an operator may use, classes, runs a second, tightness.

    `tightness` is where the limit lies between the latency of the fastest levels (0) and the cheapest (1). `scarce`:
    each class has so many devices as the heuristic's cheapest plan uses of all classes together divided by this, at
    least 2; None: 400 of each.
    """

    agents: int
    operators: int = 20
    options: int = 15
    classes: int = 8
    rate_per_s: float = LOADS["light"]
    tightness: float = 0.35
    stat: Stat = "p95"
    count: int = 400


def shared(shape: Shape, seed: int) -> SharedProblem:
    """Agents of language-model calls (prefill, then decode) and tools, in stages of one to three at once."""
    rng = random.Random(seed)
    classes = CLASSES[: shape.classes]
    levels = _levels(rng, shape, classes)
    pools = tuple(level.pool for level in levels)
    agents = tuple(_agent(rng, f"agent{index}", shape, levels, pools) for index in range(shape.agents))
    counts = (*(DeviceCapacity(each.name, shape.count) for each in classes), DeviceCapacity("cpu", 4000))
    return SharedProblem(f"shared-{shape.agents}x{shape.operators}-{seed}", levels, agents, counts)


def describe(problem: SharedProblem) -> str:
    """Sizes of an instance in one line: what a figure means nothing without."""
    rows = [len(operator.options) for agent in problem.agents for operator in agent.problem.operators]
    rates = sorted({agent.rate_per_s for agent in problem.agents})
    return (
        f"{len(problem.agents)} agents x {len(problem.agents[0].problem.operators)} operators, "
        f"{len(problem.levels)} levels, {min(rows)}-{max(rows)} options an operator (mean "
        f"{sum(rows) / len(rows):.1f}), {'/'.join(f'{rate:g}' for rate in rates)} runs/s"
    )


def _levels(rng: random.Random, shape: Shape, classes: Sequence[Class]) -> tuple[Level, ...]:
    """For each model and phase `shape.options` of the levels that fit, and of CPU cores one for each cap."""
    found: list[Level] = []
    for model in MODELS:
        for phase, batches in BATCHES.items():
            rows = [
                _level(model, phase, (device, tp), batch, cap)
                for device in classes
                for tp in (1, 2, 4)
                for batch in batches
                for cap in CAPS
                if model.weight_bytes + batch * KV_TOKENS * model.kv_bytes <= 0.9 * tp * device.memory_bytes
            ]
            kept = sorted(rng.sample(range(len(rows)), min(shape.options, len(rows))))
            found += [rows[index] for index in kept]
    pools = [Pool(f"cpu/{cap}", "cpu", "site", 1, None, None, "site", "cpu", "cpu") for cap in (0.5, 0.8)]
    return (*found, *(Level(pool, 1, cap, 0.04, 6.0, 2.0) for pool, cap in zip(pools, (0.5, 0.8), strict=True)))


def _level(model: Model, phase: str, devices: tuple[Class, int], batch: int, cap: float) -> Level:
    device, tp = devices
    name = f"{model.name}/{phase}/{device.name}/tp{tp}/b{batch}/u{cap}"
    pool = Pool(name, device.name, "site", tp, model.name, "bf16", "site", device.name)
    return Level(pool, batch, cap, tp * device.usd_per_hour, tp * device.watts, tp * device.watts * 0.35)


@dataclass(frozen=True, slots=True)
class _Call:
    """What an operator asks for: a model's phase with tokens in and out, or a tool's seconds."""

    model: int | None
    phase: str
    tokens: float
    context: float = 0.0
    seconds: float = 0.0


def _agent(rng: random.Random, name: str, shape: Shape, levels: Sequence[Level], pools: tuple[Pool, ...]) -> AgentLoad:
    calls, root, links = _structure(rng, shape.operators)
    visits = _visits(root, len(calls))
    served = [[_served(call, level) for level in levels] for call in calls]
    operators: list[Operator] = []
    services: list[tuple[Service, ...]] = []
    for index, row in enumerate(served):
        usable = [(level, service) for level, service in enumerate(row) if service]
        fee = 0.0005 if calls[index].model is None else 0.0
        rows = tuple(Option(level, service.slot_s, fee, levels[level].slots) for level, service in usable)
        operators.append(Operator(f"{name}.{index}", calls[index].phase, visits[index], rows))
        services.append(tuple(service for _, service in usable))
    edges = tuple(_edge(calls, visits, ends) for ends in links)
    problem = Problem(name, tuple(operators), pools, (), edges, root)
    problem = replace(problem, sla=Sla(shape.stat, _limit_s(problem, levels, shape)))
    return AgentLoad(problem, shape.rate_per_s * rng.uniform(0.5, 1.5), tuple(services))


def _structure(rng: random.Random, size: int) -> tuple[list[_Call], Block, list[tuple[int, int]]]:
    """Stages of one to three calls at once; a call is a prefill and its decode, or a tool (a quarter)."""
    calls: list[_Call] = []
    nodes: list[Node] = []
    waits: list[tuple[int, ...]] = []
    links: list[tuple[int, int]] = []
    before: list[tuple[int, int]] = []  # (position, operator) that ends each call of the last stage
    while len(calls) < size:
        stage: list[tuple[int, int]] = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            left = size - len(calls)
            if left <= 0:
                break
            first = len(calls)
            links += [(end, first) for _, end in before]
            calls += _tool(rng) if left == 1 or rng.random() < 0.25 else _llm(rng)
            body = list(range(first, len(calls)))
            links += [(first, first + 1)] if len(body) == 2 else []
            inner = Block(tuple(map(OpNode, body)), tuple((k - 1,) if k else () for k in range(len(body))))
            nodes.append(_control(rng, len(nodes), inner))
            waits.append(tuple(position for position, _ in before))
            stage.append((len(nodes) - 1, body[-1]))
        before = stage
    return calls, Block(tuple(nodes), tuple(waits)), links


def _control(rng: random.Random, index: int, inner: Block) -> Node:
    kind = rng.random()
    if kind < 0.10:
        return LoopNode(f"loop{index}", 1.5, 3, inner, 1)
    if kind < 0.20:
        return FanoutNode(f"fanout{index}", 3.0, 6, inner)
    return BranchNode(f"branch{index}", (0.6, 0.4) if kind < 0.30 else (1.0, 0.0), (inner, Block((), ())))


def _tool(rng: random.Random) -> list[_Call]:
    return [_Call(None, "call", 0.0, seconds=rng.lognormvariate(-2.5, 0.7))]


def _llm(rng: random.Random) -> list[_Call]:
    model = rng.choices(range(len(MODELS)), (5, 3, 2))[0]
    prompt, answer = rng.lognormvariate(6.8, 0.6), rng.lognormvariate(4.8, 0.6)
    return [_Call(model, "prefill", prompt), _Call(model, "decode", answer, prompt + answer / 2)]


def _served(call: _Call, level: Level) -> Service | None:
    """Seconds in a slot, roofline of the generator's classes: prefills share FLOP/s, a decode step reads what it must.

    The deviation is that of token counts: 0.3 of the mean for a prefill, 0.5 for a decode, the mean itself for a tool.
    """
    pool = level.pool
    if call.model is None or pool.model is None:
        return Service(call.seconds, call.seconds) if call.model is None and pool.model is None else None
    model = MODELS[call.model]
    if pool.model != model.name or pool.id.split("/")[1] != call.phase:
        return None
    device = next(each for each in CLASSES if each.name == pool.device)
    speed = pool.tp * (1.0 if pool.tp == 1 else 0.85)
    if call.phase == "prefill":
        seconds = level.slots * call.tokens * model.flops / (0.5 * device.flops_per_s * speed) + 0.01
        return Service(seconds, 0.3 * seconds)
    step = (model.weight_bytes + level.slots * call.context * model.kv_bytes) / (0.7 * device.bytes_per_s * speed)
    step = max(step, level.slots * model.flops / (0.4 * device.flops_per_s * speed)) + 0.002
    return Service(call.tokens * step, 0.5 * call.tokens * step)


def _edge(calls: Sequence[_Call], visits: Sequence[float], ends: tuple[int, int]) -> Edge:
    src, dst = ends
    source, target = calls[src], calls[dst]
    if source.phase != "prefill" or source.model is None or target.phase != "decode":
        return Edge(src, dst, "place", 1e4, visits[src], {("site", "site"): Transfer(0.0, 0.0)})
    size = source.tokens * MODELS[source.model].kv_bytes
    table = {
        (one.name, other.name): Transfer(
            0.0 if one is other else 0.0005 + size / min(one.network_bytes_per_s, other.network_bytes_per_s), 0.0
        )
        for one in CLASSES
        for other in CLASSES
    }
    return Edge(src, dst, "kv_place", size, visits[dst], table)


def _visits(block: Block, operators: int, times: float = 1.0) -> list[float]:
    """[operator] mean executions a run."""
    found = [0.0] * operators
    for node in block.nodes:
        inner: list[tuple[Block, float]] = []
        if isinstance(node, OpNode):
            found[node.operator] += times
        elif isinstance(node, BranchNode):
            inner = list(zip(node.blocks, (times * p for p in node.probabilities), strict=True))
        elif isinstance(node, LoopNode | FanoutNode):
            inner = [(node.block, times * node.expect)]
        for each, count in inner:
            found = [one + other for one, other in zip(found, _visits(each, operators, count), strict=True)]
    return found


def _limit_s(problem: Problem, levels: Sequence[Level], shape: Shape) -> float:
    """Between what the fastest options and those of the least fluid price take, with 1.5 s of each for deviations."""
    counts = tuple(DeviceCapacity(name, 10**6) for name in {level.pool.device for level in levels})
    judged = replace(problem, capacities=counts, sla=Sla(shape.stat, 1e9))

    def of(options: Sequence[int]) -> float:
        return evaluate(judged, Placement(tuple(options), ())).latency_s

    def price(option: Option) -> float:
        level = levels[option.pool]
        return option.latency_s * level.usd_per_hour / (level.cap * level.slots)

    rows = problem.operators
    fastest = of([min(range(len(o.options)), key=lambda k, o=o: o.options[k].latency_s) for o in rows])
    cheapest = of([min(range(len(o.options)), key=lambda k, o=o: price(o.options[k])) for o in rows])
    return 1.5 * (fastest + shape.tightness * (cheapest - fastest))
