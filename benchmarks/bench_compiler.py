"""How long the passes take on modules of 1,000 to 20,000 operators, beside xDSL's own work on the same modules.

Modules come from a seeded generator; every number is measured in this run, each the least of the repetitions. Times are
CPU seconds of this process, which other programs on the machine disturb less than wall time, printed where it says so.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern

from ir.build import properties, strings
from ir.dialects.agent import CallOp, ComputeOp, ExprOp, GraphOp, OutputOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, LoopOp, WhenOp, YieldOp
from ir.dialects.llm import CallLlmOp
from ir.dialects.memory import LookupOp
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from ir.dialects.tool import InvokeOp
from ir.dialects.values import FunctionAttr, JsonType
from ir.passes.inline_agents import InlineAgentsPass
from ir.pipeline import DEFAULT_PIPELINE
from ir.runner import apply_passes
from ir.text import to_text
from ir.universe import context

T = TypeVar("T")

SEED = 7
MODELS = (("llama3.1-8b",), ("llama3.1-8b", "llama3.1-70b"))
"""Models of the calls; all keep a KV of plain attention, so that each call has three alternatives."""

OPEN = 8
"""About so many values wait for a reader at any time: the width of the agent."""

HELPER = 10
"""Operators of a nested agent; one of ten operators is in one."""


@dataclass
class Generator:
    """Writes a module of so many operators: a third are calls of language models, some in control or nested agents."""

    operators: int
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    count: int = 0

    def module(self) -> ModuleOp:
        """The entry agent, then the agents that it calls; each of these is called ten times."""
        called = self.operators // 10 // HELPER
        helpers = [f"helper_{index}" for index in range(math.ceil(called / 10))]
        calls = [helpers[index // 10] for index in range(called)]
        entry = self.graph("assistant", self.operators - called * HELPER, calls)
        return ModuleOp([entry, *(self.graph(name, HELPER, []) for name in helpers)])

    def graph(self, name: str, operators: int, calls: Sequence[str]) -> GraphOp:
        block = Block(arg_types=[JsonType()])
        unread: list[SSAValue] = [block.args[0]]
        remaining, left = operators - 1, list(calls)  # the last operator reads what nobody read
        every = remaining // (len(left) + 1)
        while remaining > 0:
            size = min(remaining, self.rng.choices([1, 2, 3], [80, 10, 10])[0])
            source = self.read(unread)
            op = self.call(source, self.read(unread)) if size == 1 else self.control(block, source, size)
            self.add(block, op)
            unread.append(op.results[0])
            remaining -= size
            if left and remaining <= every * len(left):
                unread.append(self.add(block, self.nested(left.pop(), self.read(unread))).results[0])
        while len(unread) > 1:
            *unread, one, other = unread
            unread.append(self.add(block, self.expression("[a, b]", a=one, b=other)).results[0])
        last = self.compute(unread[0], unread[0])
        block.add_ops([last, OutputOp.create(operands=last.results)])
        own = {"sym_name": name, "parameters": strings(["question"])}
        return GraphOp.create(properties=properties(own), regions=[Region(block)])

    def read(self, unread: list[SSAValue]) -> SSAValue:
        """A value: taken from those that wait for a reader when they are many, else read and left."""
        index = self.rng.randrange(len(unread))
        return unread.pop(index) if len(unread) > OPEN else unread[index]

    def add(self, block: Block, op: Operation) -> Operation:
        block.add_op(op)
        return op

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def header(self, kind: str, arguments: Sequence[str]) -> dict[str, Attribute]:
        name = self.id(kind)
        function = FunctionAttr(StringAttr("examples/a.py"), StringAttr(f"{kind}_{self.count % 20}"), StringAttr("00"))
        own = {"id": name, "where": f"a.py:{self.count}", "function": function, "arg_names": strings(arguments)}
        return properties(own)

    def call(self, first: SSAValue, second: SSAValue) -> Operation:
        """One operator: each third is a call of a language model."""
        chosen = self.llm if self.rng.random() < 1 / 3 else self.rng.choice([self.tool, self.compute, self.lookup])
        return chosen(first, second)

    def llm(self, first: SSAValue, second: SSAValue) -> Operation:
        size = {"max_tokens": 512, "tokens_in": float(self.rng.randint(100, 4000)), "tokens_out": 200.0}
        own = {"models": strings(self.rng.choice(MODELS)), **size}
        given = self.header("answer", ["question", "facts"]) | properties(own)
        return CallLlmOp.create(operands=[first, second], result_types=[JsonType()], properties=given)

    def tool(self, first: SSAValue, second: SSAValue) -> Operation:
        own = properties({"latency_s": 0.4, "cpu_s": 0.01, "retries": 2, "idempotent": True})
        given = self.header("search", ["query", "filters"]) | own
        return InvokeOp.create(operands=[first, second], result_types=[JsonType()], properties=given)

    def compute(self, first: SSAValue, second: SSAValue) -> Operation:
        given = self.header("merge", ["one", "other"]) | properties({"latency_s": 0.002})
        return ComputeOp.create(operands=[first, second], result_types=[JsonType()], properties=given)

    def lookup(self, first: SSAValue, second: SSAValue) -> Operation:
        given = self.header("recall", ["question", "history"]) | properties({"latency_s": 0.02, "k": 4, "pure": True})
        return LookupOp.create(operands=[first, second], result_types=[JsonType()], properties=given)

    def nested(self, callee: str, question: SSAValue) -> Operation:
        own = {"id": self.id("nested"), "callee": SymbolRefAttr(callee), "arg_names": strings(["question"])}
        return CallOp.create(operands=[question], result_types=[JsonType()], properties=properties(own))

    def expression(self, text: str, **values: SSAValue) -> Operation:
        own = properties({"text": text, "arg_names": strings(values)})
        return ExprOp.create(operands=list(values.values()), result_types=[JsonType()], properties=own)

    def control(self, block: Block, source: SSAValue, size: int) -> Operation:
        """A branch, a loop or a fan-out with so many operators in it."""
        return self.rng.choice([self.when, self.loop, self.fanout])(block, source, size)

    def when(self, block: Block, source: SSAValue, size: int) -> Operation:
        condition = self.add(block, self.expression("v.score > 0.5", v=source)).results[0]
        regions = [self.region(Block(), source, size - size // 2), self.region(Block(), source, size // 2)]
        own = properties({"id": self.id("when"), "p": 0.7})
        return WhenOp.create(operands=[condition], result_types=[JsonType()], properties=own, regions=regions)

    def loop(self, block: Block, source: SSAValue, size: int) -> Operation:
        until, body = Block(arg_types=[JsonType()]), Block(arg_types=[JsonType()])
        done = self.add(until, self.expression("v.score > 0.9", v=until.args[0]))
        until.add_op(YieldOp.create(operands=done.results))
        name = self.id("loop")
        own = properties({"id": name, "parameter": f"{name}_value", "max_iters": 3, "expect": 1.5})
        regions = [Region(until), self.region(body, body.args[0], size)]
        return LoopOp.create(operands=[source], result_types=[JsonType()], properties=own, regions=regions)

    def fanout(self, block: Block, source: SSAValue, size: int) -> Operation:
        body, name = Block(arg_types=[JsonType()]), self.id("fanout")
        how = {"max": 8, "expect": 2.5, "overflow": "error", "on_error": "fail"}
        own = properties({"id": name, "parameter": f"{name}_item", **how})
        region = self.region(body, body.args[0], size)
        return FanoutOp.create(operands=[source], result_types=[JsonType()], properties=own, regions=[region])

    def region(self, block: Block, value: SSAValue, size: int) -> Region:
        """A chain of so many operators from a value."""
        for _ in range(size):
            value = self.add(block, self.call(value, value)).results[0]
        block.add_op(YieldOp.create(operands=[value]))
        return Region(block)


class CopyEachOperator(RewritePattern):
    """xDSL's own rewriting with nothing of ours: each operator gives way to its copy."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if isinstance(op, FunctionOp):
            rewriter.replace(op, op.clone())


@dataclass(frozen=True)
class TimedPass(ModulePass):
    """A pass that notes its CPU seconds."""

    name = "timed"

    inner: ModulePass
    took: dict[str, float]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        began = time.process_time()
        self.inner.apply(ctx, op)
        self.took[self.inner.name] = time.process_time() - began


XDSL = ("build", "print", "parse", "rewrite")
PASSES, AT_END, AFTER_EACH = "passes together", "passes, verified at the end", "passes, each verified"


@dataclass(frozen=True)
class Measured:
    """One module, once: CPU and wall seconds of each row, and what is in the module."""

    cpu_s: Mapping[str, float]
    wall_s: Mapping[str, float]
    operators: int
    llm_calls: int
    operations: tuple[int, int]
    alternatives: Counter[int]


@dataclass
class Stopwatch:
    """CPU and wall seconds of named calls; garbage of what was before is collected first, outside the time."""

    cpu_s: dict[str, float] = field(default_factory=dict[str, float])
    wall_s: dict[str, float] = field(default_factory=dict[str, float])

    def __call__(self, name: str, call: Callable[[], T]) -> T:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        self.cpu_s[name], self.wall_s[name] = time.process_time() - cpu, time.perf_counter() - wall
        return result


def measure(operators: int) -> Measured:
    """Everything once on one module."""
    watch = Stopwatch()
    module = watch("build", Generator(operators).module)
    measure_xdsl(module, watch)
    measure_verified(module.clone(), watch)
    leaves, llm_calls, before = contents(module.clone())
    took: dict[str, float] = {}
    watch(AT_END, lambda: apply_passes(module, [TimedPass(one(), took) for one in DEFAULT_PIPELINE]))
    names = [names_of(op.names) for op in module.walk() if isinstance(op, ChooseOp)]
    cpu_s = watch.cpu_s | took | {PASSES: sum(took.values())}
    operations = before, sum(1 for _ in module.walk())
    return Measured(cpu_s, watch.wall_s, leaves, llm_calls, operations, Counter(map(len, names)))


def measure_xdsl(module: ModuleOp, watch: Stopwatch) -> None:
    """xDSL's own printing, parsing and rewriting of the module."""
    text = watch("print", lambda: to_text(module))
    read = watch("parse", Parser(context(), text).parse_module)
    watch("rewrite", lambda: PatternRewriteWalker(CopyEachOperator(), apply_recursively=False).rewrite_module(read))


def measure_verified(module: ModuleOp, watch: Stopwatch) -> None:
    """The passes with someone who looks after each, so that each is verified."""
    watch(AFTER_EACH, lambda: apply_passes(module, [one() for one in DEFAULT_PIPELINE], lambda name, seen: None))


def contents(module: ModuleOp) -> tuple[int, int, int]:
    """How many operators and calls of language models a module has with its nested agents; how many operations."""
    operations = sum(1 for _ in module.walk())
    InlineAgentsPass().apply(Context(), module)
    leaves = [op for op in module.walk() if isinstance(op, FunctionOp)]
    return len(leaves), sum(isinstance(op, CallLlmOp) for op in leaves), operations


def least(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The least of each row over the repetitions."""
    return {name: min(run[name] for run in runs) for name in runs[0]}


def growth(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The exponent e of seconds = c size^e: the slope of the least squares line through the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(each, 1e-6)) for each in seconds]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread if spread else math.nan


def row(name: str, values: Sequence[float], sizes: Sequence[int] = ()) -> str:
    """A row of the table; with sizes also how it grows."""
    grows = f"{growth(sizes, values):8.2f}" if len(sizes) > 1 else ""
    return f"{name:36}" + "".join(f"{value:10.3f}" for value in values) + grows


def table(sizes: Sequence[int], runs: Sequence[Sequence[Measured]]) -> Iterator[str]:
    """CPU seconds by row and size, growth, and ratios."""
    cpu = [least([run.cpu_s for run in repeated]) for repeated in runs]
    wall = [least([run.wall_s for run in repeated]) for repeated in runs]
    yield f"{'operators':36}" + "".join(f"{size:10,}" for size in sizes) + "  growth"
    for name in XDSL:
        yield row(f"xDSL {name}", [each[name] for each in cpu], sizes)
    for one in DEFAULT_PIPELINE:
        yield row(one.name, [each[one.name] for each in cpu], sizes)
    for name in (PASSES, AT_END, AFTER_EACH):
        yield row(name, [each[name] for each in cpu], sizes)
    for name in (AT_END, AFTER_EACH):
        yield row(f"{name}, wall", [each[name] for each in wall], sizes)
    for name in XDSL:
        yield row(f"verified at the end / {name}", [each[AT_END] / each[name] for each in cpu])


def describe(size: int, run: Measured) -> str:
    """What one module holds before and after."""
    found = ", ".join(f"{count:,} choices of {kinds}" for kinds, count in sorted(run.alternatives.items()))
    before, after = run.operations
    return (
        f"{size:,}: {run.operators:,} operators of which {run.llm_calls:,} llm.call; {before:,} operations, {after:,} "
        f"after the passes; {found}"
    )


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where a call of a language model did not become one choice."""
    parser = argparse.ArgumentParser(description="Times the passes on generated modules.")
    parser.add_argument("--operators", type=int, nargs="+", default=[1000, 2000, 5000])
    parser.add_argument("--repeat", type=int, default=1)
    wanted = parser.parse_args(arguments)
    gc.disable()  # as the passes run; xDSL's rows gain from it too
    runs = [[measure(size) for _ in range(wanted.repeat)] for size in wanted.operators]
    print(
        f"generator of this file, seed {SEED}, {os.cpu_count()} cores, "
        f"CPU seconds unless it says wall, least of {wanted.repeat}, "
        "no garbage collection within a time"
    )
    print(*(describe(size, run[0]) for size, run in zip(wanted.operators, runs, strict=True)), sep="\n")
    print(*table(wanted.operators, runs), sep="\n")
    return 0 if all(run[0].alternatives.total() == run[0].llm_calls for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
