"""The captured agent: a tree of bodies of tasks, as plain frozen data.

Everything downstream (JSON, Mermaid, IR, plan) starts from this value. Values between tasks are named: a task's value
has the task's `id`; inputs and predicates are `ir.expression` texts over those names, so nothing here holds code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from ir.sla import Sla

GRAPH_FORMAT = "orchestrator.graph/1"
"""Version of the JSON form; a reader refuses any other."""

LLM_PHASES = ("render", "prefill", "decode")
"""An llm task `answer` also takes the names `answer_render` and so on: the operators it is split into."""

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of the same."""

Overflow = Literal["error", "truncate"]
OnError = Literal["fail", "collect"]
MemoryOp = Literal["lookup", "load", "store"]

_STRICT: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A user's function by name: never its code.

    `source` is `module:pkg.mod` or a path relative to the working directory (`examples/voice_agent.py`); `sha256` is
    the hex digest of that source file's bytes, checked again wherever the function is loaded.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    source: str
    qualname: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Prior:
    """What the author expects of one call on a CPU core or an external service, until a profile says better.

    `latency_s` is the whole call; of it `cpu_s` is busy CPU time (None: all), the rest waits for something outside.
    None as `latency_s` means: a profile must have a row.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    latency_s: float | None = None
    latency_sd_s: float = 0.0
    cpu_s: float | None = None
    cost_usd: float | None = None
    tokens_out: float | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """How one call is run: limits and what may happen after a failure.

    `pure`: the call changes nothing and, within a run, the same arguments give the same value until a memory is
    written; a compiler may drop it or share its value. Only a `CallTask` other than a store may be. `stream`: the value
    comes in `items` items, more than 1; None where nobody knows how many, so that it is read as a whole.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    timeout_s: float | None = None
    retries: int = 0
    idempotent: bool = False
    stream: bool = False
    pure: bool = False
    items: float | None = None


class _ByKind:
    """Tells pydantic, which only the reader of JSON loads, that `kind` chooses the class of a task."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Discriminator

        return Discriminator("kind").__get_pydantic_core_schema__(source, handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHeader:
    """What every task has: a unique id (an identifier), the author's name for it, and where it was written."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    id: str
    name: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Prefix:
    """How every prompt of a function begins: so many tokens, of the system prompt with that hash.

    `sha256` is the hex digest of the system prompt's text, so that functions with the same one are known without it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    tokens: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmTask(TaskHeader):
    """One call of a text generator. `models` are alternatives; token counts are means (None: a profile must say).

    `prefix`: what its prompt begins with, whatever the arguments; None where the author does not say.
    """

    kind: Literal["llm"] = "llm"
    function: FunctionRef
    inputs: dict[str, str]
    models: tuple[str, ...]
    max_tokens: int
    tokens_in: float | None
    tokens_out: float | None
    execution: Execution = Execution()
    prefix: Prefix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTask(TaskHeader):
    """One call of a function that runs on a CPU core: a tool, a memory operation or general-purpose compute.

    Only a memory operation has `op`, and only a lookup may have `k`: the number of results it keeps.
    """

    kind: Literal["tool", "memory", "compute"]
    function: FunctionRef
    inputs: dict[str, str]
    prior: Prior
    execution: Execution = Execution()
    op: MemoryOp | None = None
    k: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTask(TaskHeader):
    """One run of a model that is not a text generator (speech, embedding, image), on any device class.

    Exactly one of `audio_s` (seconds), `tokens` and `images` gives the input's size.
    """

    kind: Literal["model"] = "model"
    function: FunctionRef
    inputs: dict[str, str]
    models: tuple[str, ...]
    audio_s: float | None = None
    tokens: float | None = None
    images: float | None = None
    execution: Execution = Execution()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask(TaskHeader):
    """A nested agent; `inputs` name its parameters."""

    kind: Literal["agent"] = "agent"
    inputs: dict[str, str]
    graph: Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenTask(TaskHeader):
    """One of two bodies. `p` is the probability of `then` (None: a profile must say)."""

    kind: Literal["when"] = "when"
    condition: str
    p: float | None
    then: Body
    orelse: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTask(TaskHeader):
    """A bounded loop: while not `until` and fewer than `max_iters` bodies have run, `body` maps the value to the next.

    `body` has one parameter, the current value; `until` reads the same name. `expect` is the mean number of runs.
    """

    kind: Literal["loop"] = "loop"
    init: str
    until: str
    body: Body
    max_iters: int
    expect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutTask(TaskHeader):
    """`body` applied to each of `items` in parallel, results in order. `expect` is the mean width."""

    kind: Literal["fanout"] = "fanout"
    items: str
    body: Body
    max: int
    expect: float
    overflow: Overflow = "error"
    on_error: OnError = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactTask(TaskHeader):
    """An LLM that calls tools in turns until it calls none; `expect` is the mean number of turns.

    Each turn sends all messages so far, then runs the named tools in parallel. The LLM's `inputs` make the first. A
    tool has no `inputs`, the model gives them; an agent's are checked against its parameters by the agent's function.
    """

    kind: Literal["react"] = "react"
    llm: LlmTask
    tools: tuple[Annotated[CallTask | AgentTask, _ByKind()], ...]
    max_turns: int
    expect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveTask(TaskHeader):
    """Writes `value` to the run's log; its own value is `value`."""

    kind: Literal["observe"] = "observe"
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptTask(TaskHeader):
    """Stops the run until someone answers `question`; its value is the answer."""

    kind: Literal["interrupt"] = "interrupt"
    question: str


Task = (
    LlmTask
    | CallTask
    | ModelTask
    | AgentTask
    | WhenTask
    | LoopTask
    | FanoutTask
    | ReactTask
    | ObserveTask
    | InterruptTask
)


@dataclass(frozen=True, slots=True)
class Body:
    """Tasks in traced order (every reference points backwards or outwards) and the expression of the value."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    parameters: tuple[str, ...]
    tasks: tuple[Annotated[Task, _ByKind()], ...]
    result: str


@dataclass(frozen=True, slots=True)
class Degrade:
    """What an agent may fall back to when its deadline would be missed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    model: str | None = None
    max_iters: int | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """An agent: `body.parameters` are its inputs; schemas are JSON Schema documents."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: str
    function: FunctionRef
    body: Body
    sla: Sla | None
    input_schema: dict[str, Json]
    output_schema: dict[str, Json]
    description: str = ""
    degrade: Degrade | None = None
    first_output: Sla | None = None
    format: Literal["orchestrator.graph/1"] = GRAPH_FORMAT


def bodies(task: Task) -> dict[str, Body]:
    """The nested bodies of a task by their name."""
    match task:
        case WhenTask(then=then, orelse=orelse):
            return {"then": then, "else": orelse}
        case LoopTask(body=body) | FanoutTask(body=body):
            return {"body": body}
        case AgentTask(graph=graph):
            return {"agent": graph.body}
        case _:
            return {}


def walk(body: Body) -> Iterator[Task]:
    """Every task of a body and of its nested bodies, in traced order; a react's LLM and tools come after it."""
    for task in body.tasks:
        yield task
        if isinstance(task, ReactTask):
            yield task.llm
            for tool in task.tools:
                yield tool
                for nested in bodies(tool).values():
                    yield from walk(nested)
        for nested in bodies(task).values():
            yield from walk(nested)
