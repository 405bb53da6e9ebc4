"""The bodies that clients send and receive, as pydantic models at the border.

Requests state durations in milliseconds (`_ms`); documents that come out use SI units with suffixes, as everywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ir.sla import Sla, Stat
from orchestrator.store.runs import SlaStatus
from runtime.events import Status

MIN_MS = 1e-3
"""Shortest duration a request may state: a microsecond."""

MAX_MS = 1e12
"""Longest duration a request may state: 30 years, so that sums stay exact to the microsecond."""

MAX_BATCH = 4096
MAX_TIME_LIMIT_MS = 60_000


class RequestBody(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class PlanSlaBody(RequestBody):
    """The limit to plan under: `stat` of the end-to-end latency is at most `limit_ms`."""

    stat: Stat = "worst"
    limit_ms: float = Field(ge=MIN_MS, le=MAX_MS)

    def sla(self) -> Sla:
        """The SLA in seconds."""
        return Sla(self.stat, self.limit_ms / 1000)


class RunSlaBody(RequestBody):
    """The deadline of one run, planned as its worst case, and what happens when it passes."""

    deadline_ms: float | None = Field(default=None, ge=MIN_MS, le=MAX_MS)
    on_miss: Literal["continue", "cancel"] = "continue"

    def sla(self) -> Sla | None:
        """The SLA in seconds; None leaves the agent's own."""
        return None if self.deadline_ms is None else Sla("worst", self.deadline_ms / 1000)


class AgentChoice(RequestBody):
    """Names a served agent, or brings a graph document."""

    agent: str | None = Field(default=None, description="Name of a served agent, as in GET /v1/agents.")
    graph: dict[str, Any] | None = Field(
        default=None,
        description="A graph document as `orchestrator graph FILE` prints it; it names functions, never code.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> AgentChoice:
        if (self.agent is None) == (self.graph is None):
            raise ValueError("give exactly one of agent and graph")
        return self


class PlanBody(AgentChoice):
    """What to plan. Without `sla` the agent's own counts."""

    sla: PlanSlaBody | None = None
    soft_usd_per_s: float | None = Field(default=None, ge=0, description="Penalty per second above the limit.")
    batch: int = Field(default=1, ge=1, le=MAX_BATCH, description="Requests assumed to share a replica of a model.")
    time_limit_ms: float = Field(default=30_000, ge=MIN_MS, le=MAX_TIME_LIMIT_MS, description="Time for the solver.")


class RunBody(AgentChoice):
    """What to run. `input` maps the agent's parameters to values."""

    input: dict[str, Any]
    sla: RunSlaBody = RunSlaBody()


class PlanAnswer(BaseModel):
    """A plan: the fields of `orchestrator plan --json`, with its id."""

    model_config = ConfigDict(extra="allow")

    id: str
    created_at: datetime
    agent: str
    feasible: Literal[True]


class RunAnswer(BaseModel):
    """A run as far as it is. `report` comes with the end: promised and measured time of each operator."""

    id: str
    agent: str
    plan: str
    status: Status
    sla: SlaStatus | None = Field(description="None for an agent without an SLA.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    input: dict[str, Any]
    output: Any
    simulated: bool = Field(description="Whether a simulated device took part in the output or the times.")
    error: str | None
    traceback: str | None
    report: dict[str, Any] | None


class AgentAnswer(BaseModel):
    """A served agent."""

    id: str
    name: str
    description: str
    source: str
    sha256: str = Field(description="Of the source file.")
    sla: dict[str, Any] | None
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


class AgentPage(BaseModel):
    """Served agents, all on one page: `next` is null."""

    data: list[AgentAnswer]
    next: str | None


class Health(BaseModel):
    """The server lives. It says nothing about Ray, which starts with the first run."""

    status: Literal["ok"]
    version: str
    max_body_bytes: int
