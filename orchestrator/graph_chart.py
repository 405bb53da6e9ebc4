"""A graph as a chart: kinds as outlines, bounds and probabilities as text, nested bodies as clusters.

What is drawn is what runs: every task once, loops as boxes with their bound, never unrolled. `ir.chart_mermaid` and
`ir.chart_dot` write a chart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ir.chart import Chart, Cluster, Link, Node, Shape
from ir.expression import parse, references
from orchestrator.graph import (
    AgentTask,
    Body,
    FanoutTask,
    Graph,
    LlmTask,
    LoopTask,
    ModelTask,
    ReactTask,
    Task,
    WhenTask,
    bodies,
)
from orchestrator.task_inputs import task_inputs

_SHAPES: dict[str, Shape] = {
    "llm": "model",
    "model": "model",
    "tool": "call",
    "memory": "memory",
    "compute": "compute",
    "observe": "note",
    "interrupt": "ask",
    "input": "input",
    "output": "output",
    "condition": "condition",
    "value": "value",
}
_NO_KEY = re.compile(r"[^A-Za-z0-9_]")

Parts = list[Node | Cluster]


def to_chart(graph: Graph) -> Chart:
    """The chart of a graph: its inputs, its tasks and its result."""
    writer = _Writer()
    parts: Parts = []
    names = {name: writer.node(parts, name, "input", name) for name in graph.body.parameters}
    writer.body(parts, graph.body, names)
    output = writer.node(parts, "result", "output", "result")
    writer.edges(output, {"result": graph.body.result}, names)
    return Chart(tuple(parts), tuple(writer.links))


class _Writer:
    """Makes keys and collects links. `parts` is where each method draws: the parts of the cluster around."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self._keys = 0

    def node(self, parts: Parts, name: str, kind: str, label: str) -> str:
        """Draw a node; its key, which is unique."""
        key = self.key(name)
        parts.append(Node(key, _SHAPES[kind], (label,)))
        return key

    def body(self, parts: Parts, body: Body, names: dict[str, str]) -> None:
        """Draw the tasks of a body; `names` maps visible names to keys and grows by the body's tasks."""
        for task in body.tasks:
            names[task.id] = self.task(parts, task, names)

    def inner_body(self, parts: Parts, body: Body, names: dict[str, str]) -> None:
        """The same for a body in a cluster, which must not be empty: without tasks, what it gives is drawn."""
        self.body(parts, body, names)
        if not body.tasks:
            result = self.node(parts, "result", "value", body.result)
            self.edges(result, {"result": body.result}, names)

    def task(self, parts: Parts, task: Task, names: Mapping[str, str]) -> str:
        """Draw a task with its bodies; the key of its node or cluster."""
        match task:
            case WhenTask():
                cluster = self._when(task, names)
            case LoopTask() | FanoutTask():
                cluster = self._repeated(task, names)
            case ReactTask():
                cluster = self._react(task, names)
            case AgentTask():
                cluster = self._agent(task, names)
            case _:
                key = self.node(parts, task.id, task.kind, _label(task))
                self.edges(key, task_inputs(task), names)
                return key
        parts.append(cluster)
        return cluster.key

    def edges(self, key: str, inputs: Mapping[str, str], names: Mapping[str, str]) -> None:
        """A link from every value that is read, once."""
        read = (name for text in inputs.values() for name in sorted(references(parse(text))))
        self.links += [Link(names[name], key) for name in dict.fromkeys(read)]

    def key(self, name: str) -> str:
        """A key that no other part has."""
        self._keys += 1
        return f"n{self._keys}_{_NO_KEY.sub('_', name)}"

    def _when(self, task: WhenTask, names: Mapping[str, str]) -> Cluster:
        key = self.key(task.id)
        parts: Parts = []
        test = self.node(parts, "if", "condition", task.condition)
        self.edges(test, {"condition": task.condition}, names)
        chances = ("p unknown", "p unknown") if task.p is None else (f"p={task.p:g}", f"p={1 - task.p:g}")
        for (name, body), chance in zip(bodies(task).items(), chances, strict=True):
            branch = self.key(name)
            inside: Parts = []
            self.inner_body(inside, body, dict(names))
            parts.append(Cluster(branch, (name,), tuple(inside)))
            self.links.append(Link(test, branch, f"{name} {chance}", dashed=True))
        return Cluster(key, (f"when {task.id}",), tuple(parts))

    def _repeated(self, task: LoopTask | FanoutTask, names: Mapping[str, str]) -> Cluster:
        key = self.key(task.id)
        parts: Parts = []
        (parameter,) = task.body.parameters
        value = self.node(parts, "value", "value", "value" if isinstance(task, LoopTask) else "item")
        self.edges(value, task_inputs(task), names)
        inner = {**names, parameter: value}
        self.inner_body(parts, task.body, inner)
        if isinstance(task, LoopTask):
            made = [inner[name] for name in sorted(references(parse(task.body.result))) if name not in names]
            self.links += [Link(node, value, f"until {task.until}", dashed=True) for node in made if node != value]
        return Cluster(key, (_label(task),), tuple(parts))

    def _react(self, task: ReactTask, names: Mapping[str, str]) -> Cluster:
        key = self.key(task.id)
        parts: Parts = []
        turn = self.node(parts, task.llm.id, "llm", _label(task.llm))
        self.edges(turn, task_inputs(task), names)
        for tool in task.tools:
            node = self.task(parts, tool, names)
            self.links.append(Link(turn, node, dashed=True, both_ways=True))
        return Cluster(key, (_label(task),), tuple(parts))

    def _agent(self, task: AgentTask, names: Mapping[str, str]) -> Cluster:
        key = self.key(task.id)
        parts: Parts = []
        inner: dict[str, str] = {}
        for parameter in task.graph.body.parameters:
            inner[parameter] = self.node(parts, parameter, "input", parameter)
            read = {name: text for name, text in task.inputs.items() if name == parameter}
            self.edges(inner[parameter], read, names)
        self.inner_body(parts, task.graph.body, inner)
        return Cluster(key, (f"agent {task.name}",), tuple(parts))


def _label(task: Task) -> str:
    match task:
        case LlmTask() | ModelTask():
            return f"{task.kind} {task.name}: {' or '.join(task.models)}"
        case LoopTask():
            return f"loop {task.id}: max {task.max_iters}, expect {task.expect:g}"
        case FanoutTask():
            return f"fanout {task.id}: max {task.max}, expect {task.expect:g}"
        case ReactTask():
            return f"react {task.id}: max {task.max_turns} turns, expect {task.expect:g}"
        case _:
            return f"{task.kind} {task.name}"
