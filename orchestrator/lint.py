"""Remarks on a graph that is legal but probably not meant so: nothing here stops a plan.

The REST API's validation and the command line show them; rules that must hold are in `graph_check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ir.expression import Const, parse, references
from orchestrator.graph import (
    AgentTask,
    Body,
    CallTask,
    Graph,
    InterruptTask,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    ReactTask,
    Task,
    WhenTask,
    bodies,
)
from orchestrator.task_inputs import task_inputs


@dataclass(frozen=True, slots=True)
class Remark:
    """`rule` is stable; `where` is the user's line, if the graph has it."""

    rule: str
    task: str
    message: str
    where: str = ""


def lint(graph: Graph) -> tuple[Remark, ...]:
    """Remarks on a graph and the agents in it, in traced order."""
    return tuple(_remarks(graph.body, _read(graph.body)))


def _remarks(body: Body, read: set[str]) -> Iterator[Remark]:
    for task in body.tasks:
        if task.id not in read and not _has_effect(task):
            yield _remark("unused-task", task, "its value is never read; it still runs and costs")
        yield from _control_remarks(task)
        for nested in bodies(task).values():
            yield from _remarks(nested, _read(nested) if isinstance(task, AgentTask) else read)
        for tool in task.tools if isinstance(task, ReactTask) else ():
            for nested in bodies(tool).values():
                yield from _remarks(nested, _read(nested))


def _control_remarks(task: Task) -> Iterator[Remark]:
    match task:
        case LlmTask() | CallTask() | ModelTask() if task.execution.stream and not _streams(task):
            yield _remark("whole-stream", task, f"stream=True has no effect: {_why_whole(task)}")
        case WhenTask(condition=condition) if isinstance(parse(condition), Const):
            yield _remark("constant-condition", task, f"the condition is always {condition}")
        case WhenTask(then=then, orelse=orelse) if then.result == orelse.result and not (then.tasks or orelse.tasks):
            yield _remark("same-branches", task, "both branches have the same value")
        case LoopTask(until=until) if until == "True":
            yield _remark("constant-condition", task, "until always holds, so the body never runs")
        case LoopTask(body=body) if not body.tasks:
            yield _remark("empty-body", task, "the body calls nothing")
        case _:
            return


def _streams(task: LlmTask | CallTask | ModelTask) -> bool:
    return not isinstance(task, CallTask) and task.execution.items is not None


def _why_whole(task: LlmTask | CallTask | ModelTask) -> str:
    if isinstance(task, CallTask):
        return "the value of a user's function is handed on as a whole"
    if isinstance(task, ModelTask):
        return "nothing says in how many items its value comes; write items="
    return "an answer that is not a plain text, or of unknown tokens_out and items, is handed on as a whole"


def _read(body: Body) -> set[str]:
    """Names read anywhere in a body and its nested bodies; a nested agent has names of its own."""
    names = set(references(parse(body.result)))
    for task in body.tasks:
        for text in task_inputs(task).values():
            names |= references(parse(text))
        if isinstance(task, LoopTask):
            names |= references(parse(task.until))
        if not isinstance(task, AgentTask):
            for nested in bodies(task).values():
                names |= _read(nested)
    return names


def _has_effect(task: Task) -> bool:
    """Whether a task may be there for what it does: stores, logs, asks, or calls something outside."""
    match task:
        case CallTask(kind=kind, op=op):
            return kind == "tool" or op == "store"
        case ObserveTask() | InterruptTask():
            return True
        case _:
            nested = [inner for body in bodies(task).values() for inner in body.tasks]
            return any(_has_effect(inner) for inner in nested)


def _remark(rule: str, task: Task, message: str) -> Remark:
    return Remark(rule, task.id, f"{task.kind} {task.id!r}: {message}", task.where)
