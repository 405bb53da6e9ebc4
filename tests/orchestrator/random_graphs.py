"""Random graphs that keep every rule: a Hypothesis strategy for round trips and drawings."""

import math
from typing import Any

from hypothesis import strategies as st

from ir.duration import MAX_DURATION_S
from ir.expression import Const, Expression, Field, Ref, apply, to_text
from ir.sla import STATS, Sla
from orchestrator.graph import (
    LLM_PHASES,
    AgentTask,
    Body,
    CallTask,
    Degrade,
    Execution,
    FanoutTask,
    FunctionRef,
    Graph,
    InterruptTask,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    Prior,
    ReactTask,
    Task,
    WhenTask,
)
from orchestrator.tracing import Trace

WORDS = st.sampled_from(["plan", "search", "answer", "d", "x_2", "recall", "é"])
AMOUNTS = st.floats(0, 1e6) | st.integers(0, 1000).map(float)
SECONDS = st.floats(0, MAX_DURATION_S)


@st.composite
def graphs(draw: st.DrawFn, depth: int = 2) -> Graph:
    """A graph with up to `depth` levels of nested bodies."""
    return _Drawing(draw).graph(depth)


class _Drawing:
    """Draws the parts of one graph; `trace` gives out unique names, as it does when an agent is traced."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.trace = Trace("random")

    def graph(self, depth: int) -> Graph:
        parameters = tuple(self.trace.unique(name) for name in self.draw(st.lists(WORDS, max_size=2)))
        return Graph(
            name=self.draw(WORDS),
            function=self.function(),
            body=self.body(parameters, (), depth),
            sla=self.sla(),
            input_schema={"type": "object", "properties": {name: {"type": "string"} for name in parameters}},
            output_schema=self.draw(st.dictionaries(st.text(max_size=3), st.booleans() | st.none(), max_size=2)),
            description=self.draw(st.text(max_size=10)),
            degrade=self.maybe(st.builds(Degrade, st.none() | WORDS, st.none() | st.integers(1, 9))),
            first_output=self.sla(),
        )

    def body(self, parameters: tuple[str, ...], visible: tuple[str, ...], depth: int) -> Body:
        visible += parameters
        tasks: list[Task] = []
        for _ in range(self.draw(st.integers(0, 3))):
            task = self.task(visible, depth)
            tasks.append(task)
            visible += (task.id,)
        return Body(parameters, tuple(tasks), self.expression(visible))

    def task(self, visible: tuple[str, ...], depth: int) -> Task:
        simple = (self.llm, self.call, self.model, self.react, self.observe, self.interrupt)
        nested = (self.when, self.loop, self.fanout, self.agent)
        make = self.draw(st.sampled_from((*simple, *nested) if depth else simple))
        return make(visible, depth)

    def llm(self, visible: tuple[str, ...], _: int) -> LlmTask:
        most = self.draw(st.integers(1, 10**6))
        return LlmTask(
            **self.header(LLM_PHASES),
            function=self.function(),
            inputs=self.inputs(visible),
            models=self.models(),
            max_tokens=most,
            tokens_in=self.maybe(AMOUNTS),
            tokens_out=self.maybe(st.floats(0, most)),
            execution=self.execution(),
        )

    def call(self, visible: tuple[str, ...], _: int, inputs: dict[str, str] | None = None) -> CallTask:
        kind = self.draw(st.sampled_from(("tool", "memory", "compute")))
        op = self.draw(st.sampled_from(("lookup", "load", "store"))) if kind == "memory" else None
        latency_s = self.maybe(SECONDS)
        return CallTask(
            **self.header(),
            kind=kind,
            function=self.function(),
            inputs=self.inputs(visible) if inputs is None else inputs,
            prior=Prior(
                latency_s,
                self.draw(SECONDS),
                None if latency_s is None else self.maybe(st.floats(0, latency_s)),
                self.maybe(AMOUNTS),
                self.maybe(AMOUNTS),
            ),
            execution=self.execution(may_be_pure=op != "store"),
            op=op,
            k=self.maybe(st.integers(1, 9)) if op == "lookup" else None,
        )

    def model(self, visible: tuple[str, ...], _: int) -> ModelTask:
        size = self.draw(st.sampled_from(("audio_s", "tokens", "images")))
        return ModelTask(
            **self.header(),
            function=self.function(),
            inputs=self.inputs(visible),
            models=self.models(),
            execution=self.execution(),
            **{size: self.draw(AMOUNTS)},
        )

    def react(self, visible: tuple[str, ...], depth: int) -> ReactTask:
        tools = {tool.name: tool for tool in (self.tool(depth) for _ in range(self.draw(st.integers(0, 2))))}
        turns = self.draw(st.integers(1, 9))
        return ReactTask(
            **self.header(),
            llm=self.llm(visible, depth),
            tools=tuple(tools.values()),
            max_turns=turns,
            expect=self.draw(st.floats(0, turns)),
        )

    def tool(self, depth: int) -> CallTask | AgentTask:
        if depth and self.draw(st.booleans()):
            return AgentTask(**self.header(), inputs={}, graph=_Drawing(self.draw).graph(depth - 1))
        return self.call((), depth, {})

    def observe(self, visible: tuple[str, ...], _: int) -> ObserveTask:
        return ObserveTask(**self.header(), value=self.expression(visible))

    def interrupt(self, visible: tuple[str, ...], _: int) -> InterruptTask:
        return InterruptTask(**self.header(), question=self.expression(visible))

    def when(self, visible: tuple[str, ...], depth: int) -> WhenTask:
        return WhenTask(
            **self.header(),
            condition=self.expression(visible),
            p=self.maybe(st.floats(0, 1)),
            then=self.body((), visible, depth - 1),
            orelse=self.body((), visible, depth - 1),
        )

    def loop(self, visible: tuple[str, ...], depth: int) -> LoopTask:
        header = self.header()
        value = self.trace.unique(f"{header['id']}_value")
        most = self.draw(st.integers(1, 20))
        return LoopTask(
            **header,
            init=self.expression(visible),
            until=self.expression((*visible, value)),
            body=self.body((value,), visible, depth - 1),
            max_iters=most,
            expect=self.draw(st.floats(0, most)),
        )

    def fanout(self, visible: tuple[str, ...], depth: int) -> FanoutTask:
        header = self.header()
        item = self.trace.unique(f"{header['id']}_item")
        most = self.draw(st.integers(1, 20))
        return FanoutTask(
            **header,
            items=self.expression(visible),
            body=self.body((item,), visible, depth - 1),
            max=most,
            expect=self.draw(st.floats(0, most)),
            overflow=self.draw(st.sampled_from(("error", "truncate"))),
            on_error=self.draw(st.sampled_from(("fail", "collect"))),
        )

    def agent(self, visible: tuple[str, ...], depth: int) -> AgentTask:
        graph = _Drawing(self.draw).graph(depth - 1)
        inputs = {name: self.expression(visible) for name in graph.body.parameters}
        return AgentTask(**self.header(), inputs=inputs, graph=graph)

    def header(self, suffixes: tuple[str, ...] = ()) -> dict[str, str]:
        name = self.draw(WORDS)
        return {"id": self.trace.unique(name, suffixes), "name": name, "where": self.draw(st.text(max_size=5))}

    def function(self) -> FunctionRef:
        source = self.draw(st.sampled_from(("agent.py", "examples/voice_agent.py", "module:pkg.mod")))
        return FunctionRef(source, self.draw(WORDS), f"{self.draw(st.integers(0, 2**256 - 1)):064x}")

    def execution(self, may_be_pure: bool = False) -> Execution:
        idempotent = self.draw(st.booleans())
        pure = may_be_pure and idempotent and self.draw(st.booleans())
        retries = self.draw(st.integers(0, 3)) if idempotent else 0
        timeout_s = self.maybe(st.floats(math.ulp(0), MAX_DURATION_S))
        stream = self.draw(st.booleans())
        items = self.draw(st.sampled_from([None, 1.5, 8.0])) if stream else None
        return Execution(timeout_s, retries, idempotent, stream, pure, items)

    def models(self) -> tuple[str, ...]:
        return tuple(self.draw(st.lists(WORDS, min_size=1, max_size=2, unique=True)))

    def sla(self) -> Sla | None:
        return self.maybe(st.builds(Sla, st.sampled_from(STATS), st.floats(math.ulp(0), MAX_DURATION_S)))

    def inputs(self, visible: tuple[str, ...]) -> dict[str, str]:
        return {name: self.expression(visible) for name in self.draw(st.sets(WORDS, max_size=2))}

    def expression(self, visible: tuple[str, ...]) -> str:

        constants = st.builds(Const, st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3))
        leaves: st.SearchStrategy[Expression] = constants
        if visible:
            leaves = leaves | st.builds(Ref, st.sampled_from(visible))
        whole = (
            leaves
            | st.builds(Field, leaves, WORDS)
            | st.builds(apply, st.sampled_from(("<", "==", "+")), leaves, leaves)
        )
        return to_text(self.draw(whole))

    def maybe(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.draw(st.none() | strategy)
