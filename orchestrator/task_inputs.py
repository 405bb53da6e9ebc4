"""What a task reads before it starts: its expressions by the name of the part that reads them.

Checks, drawings and lowering all need this, and each kind of task keeps its inputs under its own names.
"""

from __future__ import annotations

from orchestrator.graph import (
    AgentTask,
    CallTask,
    FanoutTask,
    InterruptTask,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    ReactTask,
    Task,
    WhenTask,
)


def task_inputs(task: Task) -> dict[str, str]:
    """Expression texts by their path below the task, such as `inputs.question` or `condition`."""
    match task:
        case LlmTask(inputs=inputs) | CallTask(inputs=inputs) | ModelTask(inputs=inputs) | AgentTask(inputs=inputs):
            return {f"inputs.{name}": text for name, text in inputs.items()}
        case WhenTask(condition=condition):
            return {"condition": condition}
        case LoopTask(init=init):
            return {"init": init}
        case FanoutTask(items=items):
            return {"items": items}
        case ReactTask(llm=llm):
            return {f"llm.inputs.{name}": text for name, text in llm.inputs.items()}
        case ObserveTask(value=value):
            return {"value": value}
        case InterruptTask(question=question):
            return {"question": question}
