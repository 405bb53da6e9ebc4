"""Random captured agents for Hypothesis, and leaves that give every call a value which depends on all of its arguments.

A graph nests control, reacts and agents whose ids repeat those of their callers, so that a pass which connects a wrong
value or loses a name changes what the agent answers.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from ir.expression import parse, to_text
from ir.interpreter import INTERRUPT
from ir.sla import Sla
from orchestrator.graph import (
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
    Prefix,
    Prior,
    ReactTask,
    Task,
    WhenTask,
)

DEPTH = 2
MODELS = ("llama3.1-8b", "llama3.1-70b", "no-such-model")
FUNCTIONS = tuple(f"f{number}" for number in range(8))

amounts = st.sampled_from([0.0, 0.1, 1.0, 1.5, 7.0, 4096.0, 1048577.0, 1e-7, 1.2345678901e16])
maybe_amounts = st.none() | amounts


def record(name: str, *arguments: object, **named: object) -> dict[str, Any]:
    """The value of a call: a number and a list that depend on every argument."""
    digest = zlib.crc32(repr((name, arguments, sorted(named.items()))).encode()) % 1000
    return {"of": name, "n": digest, "items": [digest % 7, digest % 5, digest % 3][: digest % 4]}


def turn(name: str, *messages: Any, **named: object) -> dict[str, Any]:
    """A call's value, or a react's turn, which calls tools while few messages were exchanged."""
    answer = record(name, *messages, **named)
    if not messages:
        return answer
    names = ["t0", "t1", "nobody"][: answer["n"] % 4] if len(messages[0]) < 6 else []
    return {"content": answer, "tool_calls": [{"name": each, "arguments": {"x": answer["n"]}} for each in names]}


LEAVES: Mapping[str, Callable[..., Any]] = {
    INTERRUPT: lambda question: record("person", question),
    **{name: (lambda *messages, _name=name, **named: turn(_name, *messages, **named)) for name in FUNCTIONS},
}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A captured agent with inputs `question` and `limit`."""
    return _Maker(draw).graph("assistant", ("question", "limit"), DEPTH)


INPUTS: Mapping[str, object] = {"question": record("question"), "limit": record("limit")}


@dataclass
class _Maker:
    """Makes one graph; `records` are the names whose value has the fields of `record`."""

    draw: st.DrawFn
    count: int = 0
    records: set[str] = field(default_factory=set[str])

    def graph(self, name: str, parameters: tuple[str, ...], depth: int) -> Graph:
        self.records |= set(parameters)
        return Graph(
            name=name,
            function=self.function(),
            body=self.body(parameters, list(parameters), depth),
            sla=self.draw(st.none() | st.builds(Sla, st.sampled_from(["mean", "p95", "worst"]), st.just(1.5))),
            input_schema={"type": "object", "properties": {parameters[0]: {"type": "string"}}},
            output_schema={"description": 'quotes " and \n lines'},
            description=self.draw(st.text(max_size=3)),
            degrade=self.draw(st.none() | st.builds(Degrade, st.none() | st.just("m"), st.none() | st.just(2))),
        )

    def body(self, parameters: tuple[str, ...], scope: list[str], depth: int) -> Body:
        inner = list(scope)
        tasks: list[Task] = []
        for _ in range(self.draw(st.sampled_from([0, 1, 2, 2, 3]))):
            task = self.task(inner, depth)
            tasks.append(task)
            inner.append(task.id)
        everything = f"[{', '.join(inner)}]"
        return Body(parameters, tuple(tasks), self.draw(st.sampled_from([everything, self.expression(inner)])))

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def expression(self, scope: list[str]) -> str:
        name = self.draw(st.sampled_from(scope))
        choices = [name, name, f"[{name}, 'caf\u00e9']"]
        if name in self.records:
            choices += [f"{name}.n", f"{name}.items", f"{name}.n + 1 > 500"]
        return to_text(parse(self.draw(st.sampled_from(choices))))

    def function(self) -> FunctionRef:
        return FunctionRef("examples/a.py", self.draw(st.sampled_from(FUNCTIONS)), "00ff")

    def inputs(self, scope: list[str]) -> dict[str, str]:
        names = self.draw(st.lists(st.sampled_from(["a", "b", "class", "gr\u00f6\u00dfe"]), unique=True, max_size=2))
        return {name: self.expression(scope) for name in names}

    def execution(self, may_be_pure: bool = False) -> Execution:
        pure = st.booleans() if may_be_pure else st.just(False)
        return self.draw(st.builds(Execution, maybe_amounts, st.integers(0, 2), st.booleans(), st.booleans(), pure))

    def header(self, kind: str) -> dict[str, Any]:
        name = self.name(kind)
        return {"id": name, "name": self.draw(st.sampled_from([name, "as written"])), "where": "a.py:1"}

    def task(self, scope: list[str], depth: int) -> Task:
        leaf = [self.llm, self.call, self.model, self.observe, self.interrupt]
        control = [self.when, self.loop, self.fanout, self.react, self.agent]
        if depth and self.draw(st.booleans()):
            return self.draw(st.sampled_from(control))(scope, depth - 1)
        return self.draw(st.sampled_from(leaf))(scope)

    def llm(self, scope: list[str]) -> LlmTask:
        header = self.header("llm")
        self.records.add(header["id"])
        task = LlmTask(
            **header,
            function=self.function(),
            inputs=self.inputs(scope),
            models=tuple(self.draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=2, unique=True))),
            max_tokens=64,
            tokens_in=self.draw(maybe_amounts),
            tokens_out=self.draw(st.sampled_from([None, 0.0, 7.5, 64.0])),
            execution=self.execution(),
        )
        room = float("inf") if task.tokens_in is None else task.tokens_in
        prefixes = st.none() | st.builds(Prefix, st.sampled_from([1, 7]), st.sampled_from(["0a", "0b"]))
        return replace(task, prefix=self.draw(prefixes if room >= 7 else st.none()))

    def call(self, scope: list[str]) -> CallTask:
        kind = self.draw(st.sampled_from(["tool", "memory", "compute"]))
        header = self.header(kind)
        self.records.add(header["id"])
        op = self.draw(st.sampled_from(["lookup", "load", "store"])) if kind == "memory" else None
        latency_s = self.draw(maybe_amounts)
        return CallTask(
            **header,
            kind=kind,
            function=self.function(),
            inputs=self.inputs(scope),
            prior=Prior(
                latency_s=latency_s,
                latency_sd_s=self.draw(amounts),
                cpu_s=None if latency_s is None else self.draw(st.sampled_from([None, 0.0, latency_s])),
                cost_usd=self.draw(maybe_amounts),
                tokens_out=self.draw(maybe_amounts),
            ),
            execution=self.execution(may_be_pure=op != "store"),
            op=op,
            k=self.draw(st.none() | st.just(4)) if op == "lookup" else None,
        )

    def model(self, scope: list[str]) -> ModelTask:
        header = self.header("model")
        self.records.add(header["id"])
        size = {self.draw(st.sampled_from(["audio_s", "tokens", "images"])): self.draw(amounts)}
        return ModelTask(
            **header, function=self.function(), inputs=self.inputs(scope), models=("whisper-large-v3",), **size
        )

    def observe(self, scope: list[str]) -> ObserveTask:
        return ObserveTask(**self.header("observe"), value=self.expression(scope))

    def interrupt(self, scope: list[str]) -> InterruptTask:
        return InterruptTask(**self.header("interrupt"), question=self.expression(scope))

    def when(self, scope: list[str], depth: int) -> WhenTask:
        return WhenTask(
            **self.header("when"),
            condition=self.expression(scope),
            p=self.draw(st.sampled_from([None, 0.0, 0.3, 1.0])),
            then=self.body((), scope, depth),
            orelse=self.body((), scope, depth),
        )

    def loop(self, scope: list[str], depth: int) -> LoopTask:
        header, parameter = self.header("loop"), self.name("value")
        return LoopTask(
            **header,
            init=self.expression(scope),
            until=self.expression([*scope, parameter]),
            body=self.body((parameter,), [*scope, parameter], depth),
            max_iters=2,
            expect=self.draw(st.sampled_from([0.0, 1.25, 2.0])),
        )

    def fanout(self, scope: list[str], depth: int) -> FanoutTask:
        header, parameter = self.header("fanout"), self.name("item")
        source = self.draw(st.sampled_from([name for name in scope if name in self.records]))
        return FanoutTask(
            **header,
            items=f"{source}.items",
            body=self.body((parameter,), [*scope, parameter], depth),
            max=self.draw(st.sampled_from([2, 3])),
            expect=1.0,
            overflow=self.draw(st.sampled_from(["error", "truncate"])),
            on_error=self.draw(st.sampled_from(["fail", "collect"])),
        )

    def react(self, scope: list[str], depth: int) -> ReactTask:
        header = self.header("react")
        tools: list[CallTask | AgentTask] = []
        for name in ["t0", "t1"][: self.draw(st.integers(0, 2))]:
            if depth and self.draw(st.booleans()):
                graph = _Maker(self.draw).graph("specialist", ("of", "items"), depth - 1)
                tools.append(AgentTask(**{**self.header("agent"), "name": name}, inputs={}, graph=graph))
            else:
                tools.append(replace(self.call(scope), name=name, inputs={}))
        return ReactTask(**header, llm=self.llm(scope), tools=tuple(tools), max_turns=3, expect=1.5)

    def agent(self, scope: list[str], depth: int) -> AgentTask:
        graph = _Maker(self.draw).graph("helper", ("text", "question"), depth)
        source = self.draw(st.permutations([name for name in scope if name in self.records]))
        inputs = dict(zip(graph.body.parameters, source, strict=False))
        return AgentTask(**self.header("agent"), inputs=inputs, graph=graph)


def with_chain(graph: Graph) -> Graph:
    """The graph with three pure computes behind its answer, with an expression between the first two."""
    chain = (_compute("head", graph.body.result), _compute("middle", "head.n"), _compute("tail", "middle"))
    return replace(graph, body=Body(graph.body.parameters, (*graph.body.tasks, *chain), "[tail, question]"))


def _compute(name: str, argument: str) -> CallTask:
    return CallTask(
        id=name,
        name=name,
        kind="compute",
        function=FunctionRef("a.py", "f1", "00"),
        inputs={"a": argument},
        prior=Prior(0.25),
        execution=Execution(idempotent=True, pure=True),
    )
