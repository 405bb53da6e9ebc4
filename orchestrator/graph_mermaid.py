"""A graph as a Mermaid flowchart: kinds as shapes, bounds and probabilities as text, nested bodies as subgraphs.

What is drawn is what runs: every task once, loops as boxes with their bound, never unrolled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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

_SHAPES = {
    "llm": ("[[", "]]"),
    "model": ("[[", "]]"),
    "tool": ("[/", "/]"),
    "memory": ("[(", ")]"),
    "compute": ("[", "]"),
    "observe": (">", "]"),
    "interrupt": ("{{", "}}"),
    "input": ("([", "])"),
    "output": ("([", "])"),
    "condition": ("{", "}"),
    "value": ("((", "))"),
}
_NO_KEY = re.compile(r"[^A-Za-z0-9_]")
_PLAIN = re.compile(r"[^A-Za-z0-9 _.,:()=+*/|-]")
_LONGEST_LABEL = 60


def to_mermaid(graph: Graph) -> str:
    """The text of a `flowchart TD`. Labels are escaped, so no name or constant can change the drawing."""
    writer = _Writer()
    names = {name: writer.node(name, "input", name) for name in graph.body.parameters}
    writer.body(graph.body, names)
    output = writer.node("result", "output", "result")
    writer.edges(output, {"result": graph.body.result}, names)
    return "\n".join(["flowchart TD", *writer.lines, *writer.links]) + "\n"


class _Writer:
    """Collects lines, indented by the subgraph they stand in, and the links, which follow all nodes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.links: list[str] = []
        self._depth = 1
        self._keys = 0

    def node(self, name: str, kind: str, label: str) -> str:
        """Draw a node; its key, which is unique."""
        key = self._key(name)
        left, right = _SHAPES[kind]
        self._line(f'{key}{left}"{label_text(label)}"{right}')
        return key

    def body(self, body: Body, names: dict[str, str]) -> None:
        """Draw the tasks of a body; `names` maps visible names to nodes and grows by the body's tasks."""
        for task in body.tasks:
            names[task.id] = self.task(task, names)
        if not body.tasks and self._depth > 1:  # a subgraph must not be empty
            result = self.node("result", "value", body.result)
            self.edges(result, {"result": body.result}, names)

    def task(self, task: Task, names: Mapping[str, str]) -> str:
        """Draw a task with its bodies; the key of its node or subgraph."""
        match task:
            case WhenTask():
                return self._when(task, names)
            case LoopTask() | FanoutTask():
                return self._repeated(task, names)
            case ReactTask():
                return self._react(task, names)
            case AgentTask():
                return self._agent(task, names)
            case _:
                key = self.node(task.id, task.kind, _label(task))
                self.edges(key, task_inputs(task), names)
                return key

    def edges(self, key: str, inputs: Mapping[str, str], names: Mapping[str, str]) -> None:
        """A link from every value that is read, once."""
        read = (name for text in inputs.values() for name in sorted(references(parse(text))))
        for name in dict.fromkeys(read):
            self.links.append(f"  {names[name]} --> {key}")

    def _when(self, task: WhenTask, names: Mapping[str, str]) -> str:
        key = self._open(task.id, f"when {task.id}")
        test = self.node("if", "condition", task.condition)
        self.edges(test, {"condition": task.condition}, names)
        chances = ("p unknown", "p unknown") if task.p is None else (f"p={task.p:g}", f"p={1 - task.p:g}")
        for (name, body), chance in zip(bodies(task).items(), chances, strict=True):
            branch = self._open(name, name)
            self.body(body, dict(names))
            self._close()
            self.links.append(f'  {test} -. "{label_text(f"{name} {chance}")}" .-> {branch}')
        self._close()
        return key

    def _repeated(self, task: LoopTask | FanoutTask, names: Mapping[str, str]) -> str:
        key = self._open(task.id, _label(task))
        (parameter,) = task.body.parameters
        value = self.node("value", "value", "value" if isinstance(task, LoopTask) else "item")
        self.edges(value, task_inputs(task), names)
        inner = {**names, parameter: value}
        self.body(task.body, inner)
        if isinstance(task, LoopTask):
            made = [inner[name] for name in sorted(references(parse(task.body.result))) if name not in names]
            label = label_text(f"until {task.until}")
            self.links += [f'  {node} -. "{label}" .-> {value}' for node in made if node != value]
        self._close()
        return key

    def _react(self, task: ReactTask, names: Mapping[str, str]) -> str:
        key = self._open(task.id, _label(task))
        turn = self.node(task.llm.id, "llm", _label(task.llm))
        self.edges(turn, task_inputs(task), names)
        for tool in task.tools:
            node = self.node(tool.id, tool.kind, _label(tool))
            self.links.append(f"  {turn} <-.-> {node}")
        self._close()
        return key

    def _agent(self, task: AgentTask, names: Mapping[str, str]) -> str:
        key = self._open(task.id, f"agent {task.name}")
        inner: dict[str, str] = {}
        for parameter in task.graph.body.parameters:
            inner[parameter] = self.node(parameter, "input", parameter)
            self.edges(inner[parameter], {parameter: task.inputs[parameter]}, names)
        self.body(task.graph.body, inner)
        self._close()
        return key

    def _key(self, name: str) -> str:
        self._keys += 1
        return f"n{self._keys}_{_NO_KEY.sub('_', name)}"

    def _open(self, name: str, title: str) -> str:
        key = self._key(name)
        self._line(f'subgraph {key}["{label_text(title)}"]')
        self._depth += 1
        return key

    def _close(self) -> None:
        self._depth -= 1
        self._line("end")

    def _line(self, text: str) -> None:
        self.lines.append("  " * self._depth + text)


def label_text(text: str) -> str:
    """A label that Mermaid shows as it is: shortened, with every special character as its code."""
    if len(text) > _LONGEST_LABEL:
        text = text[: _LONGEST_LABEL - 3] + "..."
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", text)


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
