"""Small plans written by hand, and a fake driver that answers a run's dispatches at once, without any clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from placement.plan import (
    Block,
    CallNode,
    FanoutNode,
    LoopNode,
    Node,
    OpNode,
    Plan,
    PlanOperator,
    PlanPool,
    PlanSla,
    PlanTransfer,
    Promise,
    Promised,
    Provenance,
    ReactNode,
    Route,
    WhenNode,
)
from runtime.events import Cancel, Command, Dispatch, Event, Failed, Finish, Log, Submitted, Succeeded
from runtime.failure import Failure
from runtime.program import compile
from runtime.run_state import RunState


def _nested(node: Node) -> Iterator[Block]:
    match node:
        case WhenNode():
            yield from (node.then, node.orelse)
        case LoopNode() | FanoutNode() | CallNode():
            yield node.body
        case ReactNode():
            yield from (node.turn, *node.tools.values())
        case _:
            return


def _operators(body: Block) -> Iterator[str]:
    for node in body.nodes:
        if isinstance(node, OpNode):
            yield node.operator
        for inner in _nested(node):
            yield from _operators(inner)


class Plans:
    """Builds the parts of a plan with everything that a test does not care about filled in."""

    def op(self, id: str, rest: str | None = None, operator: str | None = None, **inputs: str) -> OpNode:
        return OpNode(id=id, operator=operator or id, inputs=inputs, rest=rest)

    def block(self, nodes: Sequence[Node], result: str, *parameters: str) -> Block:
        return Block(parameters=list(parameters), nodes=list(nodes), result=result)

    def operator(self, id: str, **changes: Any) -> PlanOperator:
        fields: dict[str, Any] = {
            "id": id,
            "name": id,
            "op": "agent.compute",
            "driver": "cpu",
            "function": None,
            "inputs": [],
            "routes": [Route(pool="cpu", share=1.0)],
            "visits": 1.0,
            "demand": {},
            "promised": Promise(mean_s=1.0, cost_usd=0.0, source="test"),
        }
        return PlanOperator(**{**fields, **changes})

    def pool(self, id: str = "cpu", **changes: Any) -> PlanPool:
        fields: dict[str, Any] = {
            "id": id,
            "device": "cpu_core",
            "site": "here",
            "driver": "cpu",
            "model": None,
            "phase": None,
            "tp": 1,
            "precision": None,
            "batch": 1,
            "replicas": 2,
            "engine": "cpu",
            "usd_per_hour": 0.05,
        }
        return PlanPool(**{**fields, **changes})

    def plan(
        self,
        nodes: Sequence[Node],
        result: str,
        *parameters: str,
        operators: Sequence[PlanOperator] = (),
        pools: Sequence[PlanPool] = (),
        transfers: Sequence[PlanTransfer] = (),
        sla: PlanSla | None = None,
        **changes: Any,
    ) -> Plan:
        """A plan; operators that the nodes name and `operators` does not hold are added."""
        body = self.block(nodes, result, *parameters)
        given = {operator.id: operator for operator in operators}
        names = list(dict.fromkeys([*given, *_operators(body)]))
        fields: dict[str, Any] = {
            "agent": "agent",
            "body": body,
            "operators": [given.get(name) or self.operator(name) for name in names],
            "pools": list(pools) or [self.pool()],
            "links": [],
            "transfers": list(transfers),
            "sla": sla,
            "cost_basis": "metered",
            "promised": Promised(
                latency_s=1.0, latency_mean_s=1.0, latency_worst_s=1.0, cost_usd=0.0, critical_path=[]
            ),
            "bound_usd": 0.0,
            "gap": 0.0,
            "bound_scope": "test",
            "provenance": Provenance(
                agent="agent",
                graph_sha256="",
                fleet="",
                fleet_sha256="",
                catalog="",
                orchestrator_version="",
                solver="",
            ),
        }
        return Plan(**{**fields, **changes})


Answer = Callable[..., Any]


@dataclass
class FakeRun:
    """A run whose operators are Python functions of their arguments and take one virtual second each.

    An answer that raises is a failed attempt. `held` instances are not answered until `release`.
    """

    plan: Plan
    answers: dict[str, Answer]
    durations_s: dict[str, float] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    dispatched: list[Dispatch] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    finish: Finish | None = None

    def __post_init__(self) -> None:
        self.program = compile(self.plan)
        self.state = RunState(self.program)

    def submit(self, **inputs: Any) -> FakeRun:
        self.feed(Submitted(inputs, 0.0))
        return self

    def feed(self, event: Event) -> None:
        """Step with an event, then with the answers to everything that it dispatched, in the order of dispatch."""
        pending = self._take(self.state.step(event))
        while pending:
            pending += self._take(self.state.step(self.outcome(pending.pop(0))))

    def release(self, instance: str) -> None:
        self.held.discard(instance)
        self.feed(self.outcome(next(d for d in reversed(self.dispatched) if d.instance == instance)))

    def outcome(self, dispatch: Dispatch) -> Event:
        operator = self.program.operators[dispatch.operator].id
        at = dispatch.arrived_at() + self.durations_s.get(operator, 1.0)
        try:
            rest = () if dispatch.rest is None else (dispatch.rest,)
            value = self.answers[operator](*rest, **dispatch.arguments)
        except Exception as error:
            return Failed(dispatch.instance, dispatch.attempt, failure(error), at)
        return Succeeded(dispatch.instance, dispatch.attempt, value, at)

    @property
    def instances(self) -> list[str]:
        return [dispatch.instance for dispatch in self.dispatched]

    def _take(self, commands: list[Command]) -> list[Dispatch]:
        found = [command for command in commands if isinstance(command, Dispatch)]
        self.dispatched += found
        for command in commands:
            match command:
                case Cancel():
                    self.cancelled.append(command.instance)
                case Log():
                    self.logs.append(command)
                case Finish():
                    assert self.finish is None, "a run ends once"
                    self.finish = command
                case _:
                    pass
        return [dispatch for dispatch in found if dispatch.instance not in self.held]


def failure(error: Exception) -> Failure:
    """A test's exception as the failure of an attempt; a `kind` attribute says which kind."""
    return Failure(getattr(error, "kind", "raised"), type(error).__name__, str(error))


@pytest.fixture
def plans() -> Plans:
    """The builder of plans."""
    return Plans()


@pytest.fixture
def fake_run() -> type[FakeRun]:
    """A run with a fake driver."""
    return FakeRun
