"""The plan document: everything the runtime needs to run a placed agent on any machine, as versioned JSON.

This is the contract between placement and runtime; nothing else crosses. It holds names of functions, never code.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PLAN_FORMAT = "orchestrator.plan/1"
"""Version of the document; a reader refuses any other."""

Stat = Literal["mean", "p50", "p95", "p99", "worst"]
Overflow = Literal["error", "truncate"]
OnError = Literal["fail", "collect"]


class Document(BaseModel):
    """A frozen part of the plan; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Function(Document):
    """A user's function by name: source file or module, qualified name, SHA-256 of the source file."""

    source: str
    qualname: str
    sha256: str


class OpNode(Document):
    """Runs an operator; its value is named `id`. `inputs` are expressions over the names in scope.

    `rest` is the expression of the operand without a name: for `llm.render` the list of the messages of earlier turns,
    which follow the prompt; for a tool the mapping of further arguments, which a model chose.

    `streams` are inputs, each the bare name of a node of the same block, whose value comes in so many items (more than
    1): the operator begins at the first, and ends no earlier than its time for one item after the last.
    """

    kind: Literal["op"] = "op"
    id: str
    operator: str
    inputs: dict[str, str]
    rest: str | None = None
    streams: dict[str, float] = {}


class WhenNode(Document):
    """Runs `then` or `orelse` by the truth of `condition`."""

    kind: Literal["when"] = "when"
    id: str
    condition: str
    then: Block
    orelse: Block


class LoopNode(Document):
    """While not `until` and fewer than `max_iters` ran: the body, whose one parameter is the current value."""

    kind: Literal["loop"] = "loop"
    id: str
    init: str
    until: str
    body: Block
    max_iters: int = Field(ge=1)


class FanoutNode(Document):
    """Runs the body for each of `items` at once; the value keeps their order."""

    kind: Literal["fanout"] = "fanout"
    id: str
    items: str
    body: Block
    max: int = Field(ge=1)
    overflow: Overflow = "error"
    on_error: OnError = "fail"


class ReactNode(Document):
    """Turns of an LLM with tools.

    `turn` has the parameter `messages` (those of the assistant and tools so far, [] at first); its value is an
    assistant turn `{"content", "tool_calls"}`. Each tool's block has the one parameter `arguments`.
    """

    kind: Literal["react"] = "react"
    id: str
    turn: Block
    tools: dict[str, Block]
    max_turns: int = Field(ge=1)


class ObserveNode(Document):
    """Writes a value to the run's log."""

    kind: Literal["observe"] = "observe"
    id: str
    value: str


class InterruptNode(Document):
    """Waits for an answer to `question`."""

    kind: Literal["interrupt"] = "interrupt"
    id: str
    question: str


class CallNode(Document):
    """A nested agent that was kept as a unit: `body` with `inputs` bound to its parameters."""

    kind: Literal["call"] = "call"
    id: str
    agent: str
    inputs: dict[str, str]
    body: Block


Node = Annotated[
    OpNode | WhenNode | LoopNode | FanoutNode | ReactNode | ObserveNode | InterruptNode | CallNode,
    Field(discriminator="kind"),
]


class Block(Document):
    """Nodes in an order in which every reference points backwards or outwards, and the expression of the value."""

    parameters: list[str]
    nodes: list[Node]
    result: str


class Route(Document):
    """The share of runs whose calls of an operator a pool serves; `mean_s` of a call there, None: as promised."""

    pool: str
    share: float = Field(gt=0, le=1)
    mean_s: float | None = Field(default=None, ge=0)


class Promise(Document):
    """What the plan promises for one call. `p95_s` is None until a deviation is known.

    `device_s` is for how long a call holds devices: seconds times devices, over the calls that share them; None: not
    known. 80 % of measurements of such a call lie between `low_s` and `high_s`; None: no error is known.
    """

    mean_s: float = Field(ge=0)
    p95_s: float | None = None
    cost_usd: float = Field(ge=0)
    source: str
    notes: list[str] = []
    device_s: float | None = Field(default=None, ge=0)
    low_s: float | None = Field(default=None, ge=0)
    high_s: float | None = Field(default=None, ge=0)


class PartCall(Document):
    """A user's function that runs inside an operator: `inputs` are expressions over the names that the operator's node
    reads and the `id`s of the parts before it."""

    id: str
    name: str
    function: Function
    inputs: dict[str, str]


class OperatorPart(Document):
    """A finer operator of the IR that runs inside this one: a tool's lookup, wait and compute, or a fused compute.

    `call` is what runs for it where that is not the operator's own function; parts with one run one after another.
    """

    op: str
    latency_s: float
    call: PartCall | None = None


class PlanOperator(Document):
    """One operator: what it is, where it runs, what was promised and what may happen when it fails.

    With several `routes` a run keeps the one that its first call took; operators with the same `group`, whose routes
    are alike, take the same one. `continues`: in each turn of a react it finds the KV of the turn before, so that all
    turns go to the same replica.
    """

    id: str
    name: str
    op: str
    driver: str
    function: Function | None
    inputs: list[str]
    routes: list[Route]
    visits: float
    demand: dict[str, float]
    promised: Promise
    parts: list[OperatorPart] = []
    model: str | None = None
    idempotent: bool = False
    timeout_s: float | None = None
    retries: int = 0
    stream: bool = False
    continues: bool = False
    fallbacks: list[str] = []
    group: str | None = None

    @property
    def functions(self) -> list[Function]:
        """Every user's function that it runs a part of."""
        calls = [part.call.function for part in self.parts if part.call is not None]
        return calls if self.function is None else [self.function, *calls]

    @property
    def calls(self) -> list[PartCall]:
        """The functions that run inside it one after another; none where it runs one function."""
        return [part.call for part in self.parts if part.call is not None]


class StepCoefficients(Document):
    """Coefficients of `costmodel.step` for a pool that serves a model; None where the pool serves none."""

    values: dict[str, float] = {}


class PlanPool(Document):
    """A pool and the devices it takes: `replicas` times `tp` devices of class `device`.

    `start_s` is what loading its model takes, beside a run (None: not known, or nothing to load). `usd_per_hour` is the
    price of one device; None for a class without one, whose calls have measured costs. `loads_s` [model]: the pool's
    models take turns, and a call that finds another one loaded first takes so many seconds to load its own. `keeps`: a
    replica keeps the KV of so many calls whose tools work, beside those that compute; 0: of as many as those.
    """

    id: str
    device: str
    site: str
    driver: str
    model: str | None
    phase: str | None
    tp: int = Field(ge=1)
    precision: str | None
    batch: int = Field(ge=1)
    replicas: int = Field(ge=1)
    utilisation_cap: float = 1.0
    step: StepCoefficients | None = None
    kv_bytes_per_token: float | None = None
    kv_capacity_tokens: int | None = None
    engine: Literal["continuous", "spyre", "cpu"]
    start_s: float | None = None
    loads_s: dict[str, float] = {}
    keeps: int = Field(default=0, ge=0)
    usd_per_hour: float | None


class PlanLink(Document):
    """A link between two device classes."""

    src: str
    dst: str
    bytes_per_s: float | None
    latency_s: float
    usd_per_byte: float


class PlanTransfer(Document):
    """What one call of `dst` receives from `src`, and what that takes; `visits` is how often in a run, on average.

    `size_bytes` is None where a measurement says what the transfer takes and nothing says how much is moved.
    `overlapped`: the transfer begins while `src` runs, and `latency_s` is what is left of it after `src`.
    """

    src: str
    dst: str
    kind: Literal["data", "kv", "activations", "encoded"]
    size_bytes: float | None
    latency_s: float
    cost_usd: float
    visits: float = 1.0
    overlapped: bool = False


class PlanSla(Document):
    """The end-to-end limit: `stat` of the latency is at most `limit_s`."""

    stat: Stat
    limit_s: float


class Promised(Document):
    """What the plan promises for a run. `latency_s` is the SLA's statistic (the worst case where there is no SLA).

    It lies between `latency_low_s` and `latency_high_s` if all estimates err alike, within their 80 % intervals; None:
    no error is known.
    """

    latency_s: float
    latency_mean_s: float
    latency_worst_s: float
    cost_usd: float
    critical_path: list[str]
    latency_low_s: float | None = None
    latency_high_s: float | None = None


class Provenance(Document):
    """Where the plan came from, so that it can be made again."""

    agent: str
    graph_sha256: str
    fleet: str
    fleet_sha256: str
    catalog: str
    orchestrator_version: str
    solver: str
    assumptions: list[str] = []


class Plan(Document):
    """The whole document. `gap` = (cost - bound) / cost; `bound_scope` says of what the bound is a bound."""

    format: Literal["orchestrator.plan/1"] = PLAN_FORMAT
    agent: str
    body: Block
    operators: list[PlanOperator]
    pools: list[PlanPool]
    links: list[PlanLink]
    transfers: list[PlanTransfer]
    sla: PlanSla | None
    budget: dict[str, float] = {}
    cost_basis: Literal["metered", "provisioned"]
    promised: Promised
    bound_usd: float
    gap: float
    bound_scope: str
    choices: dict[str, str] = {}
    input_schema: dict[str, Any] = {}
    output_schema: dict[str, Any] = {}
    provenance: Provenance


for _model in (WhenNode, LoopNode, FanoutNode, ReactNode, CallNode, Block, Plan):
    _model.model_rebuild()
