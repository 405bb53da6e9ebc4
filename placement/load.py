"""What agents ask of a fleet that they share: rates, limits, rules, budgets; frozen records.

The border to the YAML file is `load_document`; the builder of the shared problem reads only these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir.sla import Sla
from placement.shared_problem import Budget

DEFAULT_MARGIN = 1.25
"""Plans keep their limits although every time is this much longer. Exact plans degrade sharply where times are 1.5x off
(arXiv 2604.07472); served predictions of this project have a mean error of about 10 % on devices that were measured."""


INTERVAL = "interval"
"""The margin by which each time is taken at the upper end of its own 80 % interval."""

MOST_MARGIN = 10.0
"""Of a factor."""

Margin = float | Literal["interval"]


class LoadError(ValueError):
    """A load file, or a rule in it, cannot be used."""


@dataclass(frozen=True, slots=True)
class StatedCount:
    """Tokens as written: `mean` None keeps the agent's own, and at most one of `cv` and `p95` is given."""

    mean: float | None = None
    cv: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class StatedTokens:
    """Tokens of a function's calls: stated counts, or a trace that they are read from."""

    tokens_in: StatedCount = StatedCount()
    tokens_out: StatedCount = StatedCount()
    trace: Path | None = None


@dataclass(frozen=True, slots=True)
class StatedLimits:
    """Limits of each call of a model: its first token, and each token after it."""

    ttft: Sla | None = None
    token_time_s: float | None = None


@dataclass(frozen=True, slots=True)
class DataRule:
    """Data that stays at a site: these operators, or all where none is named."""

    site: str
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentDemand:
    """One agent's load and rules.

    `sla` None keeps the agent's own. Agents of a tenant share pools only among themselves. `pins` are classes by
    operator or function; `include` (None: all) and `exclude` are classes.
    """

    agent: str
    rate_per_s: float
    arrival_cv2: float = 1.0
    sla: Sla | None = None
    tenant: str | None = None
    tokens: Mapping[str, StatedTokens] = field(default_factory=dict[str, StatedTokens])
    limits: Mapping[str, StatedLimits] = field(default_factory=dict[str, StatedLimits])
    pins: Mapping[str, str] = field(default_factory=dict[str, str])
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    data: DataRule | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Every agent's demand, what all may take together, and the margin on times: one factor, or each its own.

    `keeps_prefixes`: replicas keep the KV of the system prompts that calls share. `splits_encoders`: an encoder may
    stand apart from its decoder. `keeps_turns`: replicas keep the KV of a react's turn until the next.
    """

    name: str
    agents: tuple[AgentDemand, ...]
    budget: Budget = field(default_factory=Budget)
    margin: Margin = DEFAULT_MARGIN
    keeps_prefixes: bool = False
    splits_encoders: bool = False
    keeps_turns: bool = False

    @property
    def factor(self) -> float:
        """What times without a factor of their own are multiplied by."""
        return 1.0 if self.margin == INTERVAL else float(self.margin)
