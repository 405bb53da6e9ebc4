"""A graph as a networkx digraph: one node per task, edges where one task reads another's value.

For questions that graph libraries answer: order, reachability, unused tasks, drawings by other tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ir.expression import parse, references
from orchestrator.graph import AgentTask, Body, Graph, LoopTask, ReactTask, Task, bodies
from orchestrator.task_inputs import task_inputs

if TYPE_CHECKING:
    import networkx as nx

INPUT, OUTPUT, TASK, PARAMETER = "input", "output", "task", "parameter"

DATA, RESULT, INSIDE = "data", "result", "inside"
"""Kinds of edges: a value read, the value of a nested body, and a control task before the tasks of its bodies."""


def to_networkx(graph: Graph) -> nx.MultiDiGraph[str]:
    """A MultiDiGraph. `graph.graph["graph"]` is the Graph itself, so nothing is lost.

    Nodes are paths such as `gather/plan`: a nested agent's ids stand below its task's id, bodies of other control
    tasks share the names of the graph around them. Node attributes: `role` (input, parameter, task or output), and of
    a task `kind`, `task`, `body` ("" or the name of the nested body) and `inside` (the path of the control task, or
    "").

    Edges go from the value to its reader. Edge attributes: `kind`; for data `input` (which part of the reader reads
    it) and `order` (position among that task's reads).
    """
    import networkx as nx

    result: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=graph.name, graph=graph)
    writer = _Writer(result)
    names = {name: name for name in graph.body.parameters}
    for name in names:
        result.add_node(name, role=INPUT)
    writer.body(graph.body, names, "", "", "")
    result.add_node(OUTPUT_NODE, role=OUTPUT)
    writer.reads(OUTPUT_NODE, {"result": graph.body.result}, names)
    return result


OUTPUT_NODE = "(output)"
"""The node of the agent's result; no task can have this name."""


class _Writer:
    def __init__(self, result: nx.MultiDiGraph[str]) -> None:
        self.result: Any = result

    def body(self, body: Body, names: dict[str, str], prefix: str, inside: str, name: str) -> None:
        """Add the tasks of a body; `names` maps visible names to nodes and grows by the body's tasks."""
        for task in body.tasks:
            node = prefix + task.id
            self.task(node, task, inside, name)
            self.reads(node, task_inputs(task), names)
            self.nested(node, task, names, prefix)
            names[task.id] = node

    def task(self, node: str, task: Task, inside: str, body: str) -> None:
        self.result.add_node(node, role=TASK, kind=task.kind, task=task, inside=inside, body=body)
        if inside:
            self.result.add_edge(inside, node, kind=INSIDE)

    def nested(self, node: str, task: Task, names: dict[str, str], prefix: str) -> None:
        if isinstance(task, ReactTask):
            for part in (task.llm, *task.tools):
                self.task(prefix + part.id, part, node, "turn" if part is task.llm else "tool")
                self.nested(prefix + part.id, part, names, prefix)
        for name, body in bodies(task).items():
            inner_prefix = f"{node}/" if isinstance(task, AgentTask) else prefix
            visible = {} if isinstance(task, AgentTask) else dict(names)
            for parameter in body.parameters:
                visible[parameter] = inner_prefix + parameter
                self.result.add_node(inner_prefix + parameter, role=PARAMETER, inside=node, body=name)
                self.result.add_edge(node, inner_prefix + parameter, kind=INSIDE)
            self.body(body, visible, inner_prefix, node, name)
            self.reads(node, {f"{name}.result": body.result}, visible, RESULT)
            if isinstance(task, LoopTask):
                self.reads(node, {"until": task.until}, visible, RESULT)

    def reads(self, node: str, inputs: Mapping[str, str], names: Mapping[str, str], kind: str = DATA) -> None:
        order = 0
        for name, text in inputs.items():
            for read in sorted(references(parse(text))):
                self.result.add_edge(names[read], node, kind=kind, input=name, order=order)
                order += 1
