"""Hierarchical: a supervisor of supervisors, each the head of a team.

The graph is a bounded loop in which a director hands parts of the task to one of two teams. A team is a nested agent
with a loop of its own, in which its lead hands them on to the team's workers; a worker may be an agent again.
`supervised` draws this loop for all three leaders. The workers really search, count, convert and calculate.
"""

from collections.abc import Callable
from dataclasses import dataclass

from examples.calculator import Sum, calculate
from examples.document_search import Passage, documents, lines_of, search_docs
from orchestrator import agent, compute, llm, loop, tool, when

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"task": "What is the gap of a plan; count replica; (0.11 - 0.095) / 0.11 * 100; convert 90 min to h"}
TEAMS = {"reading": ["counter", "searcher"], "numbers": ["accountant", "converter"]}
# Priors: `python examples/patterns/measure_priors.py hierarchical`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Order:
    worker: str  # nobody when all is done
    request: str


@dataclass(frozen=True)
class Work:
    notes: dict[str, str]  # the result of each part that is done
    order: Order


def worker_for(part: str, staff: list[str]) -> str:
    """The worker who has the tool for a part, or the team that has this worker."""
    tools = {"count": "counter", "convert": "converter"}
    worker = "accountant" if part[:1] in "0123456789(-" else tools.get(part.partition(" ")[0], "searcher")
    return worker if worker in staff else next(team for team, names in TEAMS.items() if worker in names)


def simulated_order(staff: list[str], task: str, notes: dict[str, str]) -> Order:
    """The first part that is not done; to a team all parts that are left for it."""
    left = [part.strip() for part in task.split(";") if part.strip() not in notes]
    if not left:
        return Order("nobody", "")
    worker = worker_for(left[0], staff)
    parts = [part for part in left if worker_for(part, staff) == worker]
    return Order(worker, "; ".join(parts) if worker in TEAMS else parts[0])


@llm(model="llama3.1-8b", tokens_in=146, tokens_out=14, max_tokens=120, simulate=simulated_order)
def lead(staff: list[str], task: str, notes: dict[str, str]) -> Order:
    """You lead a staff. Name who acts next and the parts of the task for it, or nobody when all is done."""
    return "\n".join([f"Staff: {', '.join(staff)}", task, *(f"{request}: {text}" for request, text in notes.items())])


@llm(
    model="llama3.1-8b",
    tokens_in=80,
    tokens_out=12,
    max_tokens=200,
    simulate=lambda request, passages: f"{LABEL} {passages[0].text if passages else 'not found'}",
)
def quote(request: str, passages: list[Passage]) -> str:
    """You answer a request with one of the passages given."""
    return "\n".join([request, *(passage.text for passage in passages)])


@agent
def searcher(request: str) -> str:
    return quote(request, search_docs(request))


@tool(latency="1.7ms", cost_usd=0, idempotent=True)
def count_lines(request: str) -> str:
    """In how many lines of the documents a term stands."""
    term = request.removeprefix("count ").lower()
    return f"{sum(term in line.lower() for path in documents() for line in lines_of(path))} lines"


@tool(latency="0.9ms", cost_usd=0, idempotent=True)
def convert(request: str) -> str:
    """Minutes as hours: `convert 90 min to h`."""
    return f"{float(request.split()[1]) / 60:g} h"


@compute(latency="1.6ms", cost_usd=0)
def file_note(notes: dict[str, str], request: str, result: str | Sum | dict[str, str]) -> dict[str, str]:
    if isinstance(result, Sum):
        result = result.error or f"{result.value:.6g}"
    return {**notes, **(result if isinstance(result, dict) else {request: result})}


def supervised(lead: Callable[..., Order], task: str, staff: dict[str, Callable[[str], object]]) -> dict[str, str]:
    """The loop of a leader of two: an order, one of them acts, a note, the next order."""
    (first, act), (_, act_otherwise) = staff.items()

    def carry_out(work: Work) -> Work:
        request = work.order.request
        result = when(work.order.worker == first, lambda: act(request), lambda: act_otherwise(request), p=0.5)
        notes = file_note(work.notes, request, result)
        return Work(notes, lead(list(staff), task, notes))

    begun = Work({}, lead(list(staff), task, {}))
    return loop(carry_out, begun, until=lambda work: work.order.worker == "nobody", max_iters=4, expect=2).notes


@agent
def reading(task: str) -> dict[str, str]:
    return supervised(lead, task, {"counter": count_lines, "searcher": searcher})


@agent
def numbers(task: str) -> dict[str, str]:
    return supervised(lead, task, {"accountant": calculate, "converter": convert})


@agent(sla={"p95": "60s"})
def hierarchical(task: str) -> dict[str, str]:
    """A director and two teams; at most four orders of each leader."""
    return supervised(lead.options(model="llama3.1-70b"), task, {"reading": reading, "numbers": numbers})
