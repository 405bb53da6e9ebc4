"""Small plans written by hand, and a fake driver that answers a run's dispatches at once, without any clock."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from placement.plan import (
    Block,
    CallNode,
    FanoutNode,
    Function,
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


USER_CODE = '''
"""Functions as a user's file would define them, with a decorator of the test's own."""
import asyncio, json, os, subprocess, sys, time


class Step:
    kind = "tool"

    def __init__(self, body):
        self.body = body

    def invoke_json(self, arguments):
        value = self.body(**arguments)
        return asyncio.run(value) if asyncio.iscoroutine(value) else value


class Llm:
    kind = "llm"

    def __init__(self, body, simulate=None):
        self.body, self.simulate = body, simulate

    def render_json(self, arguments):
        return {"messages": [{"role": "user", "content": self.body(**arguments)}]}

    def parse_json(self, text):
        return text.strip()

    def simulate_json(self, arguments, messages=None):
        return None if self.simulate is None else self.simulate(arguments, messages)

    def placeholder_text(self, model):
        return f"[simulated {model}]"


class Model(Step):
    kind = "model"

    def simulate_json(self, arguments):
        return None

    def placeholder_text(self, model):
        return json.dumps(f"[simulated {model}]")


@Step
def add(a, b=1):
    return a + b


@Step
def take(items):
    """Gives the last item of a list, which it loses."""
    return items.pop()


@Step
def pair(a, b):
    return a, b


@Step
def not_a_number():
    return float("nan")


@Step
async def later(a):
    await asyncio.sleep(0)
    return a


@Step
def divide(a, b):
    return inner(a, b)


def inner(a, b):
    return a / b


@Step
def pid():
    return os.getpid()


@Step
def where():
    return os.path.dirname(os.path.abspath(__file__))


@Step
def hang(path):
    """Says who it is, starts a child that would outlive it, and never ends."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(path, "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    time.sleep(600)


@Step
def die():
    os._exit(7)


@Step
def die_once(path):
    """Kills its own process the first time."""
    if not os.path.exists(path):
        open(path, "w").close()
        os._exit(7)
    return "second"


@Step
def wait_once(path):
    """Never ends the first time, and says who it is."""
    if not os.path.exists(path):
        with open(path + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(path + ".new", path)
        time.sleep(600)
    return "second"


@Step
def large(size):
    return "x" * size


@Step
def no_json():
    return {1, 2}


@Step
def leave():
    sys.exit("leaving")


@Step
def argued(a):
    return a


def argument_problem(arguments):
    return None if set(arguments) == {"a"} else "a is required"


argued.argument_problem = argument_problem


STATE = []


@Step
def prepared():
    return STATE[0]


prepared.prepare = lambda: STATE.append("ready")


@Step
def unprepared():
    return None


def fail():
    raise TypeError("bad annotation")


unprepared.prepare = fail


@Llm
def ask(question):
    return "Q: " + question


def answer(arguments, messages):
    return f"{len(messages)} messages about {arguments['question']}"


told = Llm(ask.body, answer)


def turns(arguments, messages):
    if len(messages) == 1:
        return {"content": None, "tool_calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}
    return "it is " + messages[-1]["content"]


agentic = Llm(ask.body, turns)


@Model
def hear(audio):
    ...


plain = 3
'''


@dataclass(frozen=True)
class UserCode:
    """A folder with the user's file, and its functions as a plan names them."""

    root: Path

    def function(self, qualname: str) -> Function:
        source = (self.root / "user_file.py").read_bytes()
        return Function(source="user_file.py", qualname=qualname, sha256=hashlib.sha256(source).hexdigest())


def ended(pid: int) -> bool:
    """Whether a process runs no more; one that nobody has waited for yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Processes:
    """What tests ask about other processes."""

    ended: Callable[[int], bool] = ended
    until: Callable[[Callable[[], bool]], Awaitable[None]] = until


@pytest.fixture
def processes() -> Processes:
    """`ended(pid)`, and `await until(condition)`."""
    return Processes()


@pytest.fixture(scope="session")
def user_code(tmp_path_factory: pytest.TempPathFactory) -> UserCode:
    """The user's file; tests must not change it."""
    root = tmp_path_factory.mktemp("user_code")
    (root / "user_file.py").write_text(USER_CODE, encoding="utf-8")
    return UserCode(root)
