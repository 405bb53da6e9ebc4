"""Supervisor: one language model hands the work to one worker at a time until it is done.

The graph is a bounded loop whose value is the case so far and the supervisor's next order. Its body is a nested `when`
that runs the one worker who was named, then asks the supervisor again; the order "nobody" ends the loop. Workers are
agents of their own: one searches this project's documents, one calculates, and the writer joins their notes.
"""

from dataclasses import dataclass
from typing import Literal

from examples.calculator import calculate
from examples.document_search import Passage, search_docs
from orchestrator import agent, compute, llm, loop, when

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"question": "What is the gap of a plan; (0.11 - 0.095) / 0.11 * 100"}
# Priors: `python examples/patterns/measure_priors.py supervisor`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Order:
    """Who is to do what next; "nobody" when the case is closed."""

    worker: Literal["researcher", "accountant", "writer", "nobody"]
    request: str


@dataclass(frozen=True)
class Note:
    worker: str
    request: str
    text: str


@dataclass(frozen=True)
class Case:
    notes: list[Note]
    order: Order


def simulated_order(question: str, notes: list[Note]) -> Order:
    """A worker for the first part of the question without a note, then the writer, then nobody."""
    done = {note.request for note in notes}
    for part in (part.strip() for part in question.split(";")):
        if part not in done:
            return Order("accountant" if part[:1] in "0123456789(-" else "researcher", part)
    return Order("nobody", "") if notes[-1].worker == "writer" else Order("writer", question)


@llm(model="llama3.1-8b", tokens_in=203, tokens_out=16, max_tokens=80, simulate=simulated_order)
def supervise(question: str, notes: list[Note]) -> Order:
    """You lead a researcher, an accountant and a writer. Name the one who acts next, or nobody when all is done."""
    return "\n".join([question, *(f"{note.worker} on {note.request!r}: {note.text}" for note in notes)])


def simulated_summary(request: str, passages: list[Passage]) -> str:
    """The best passage, word for word."""
    return f"{LABEL} {passages[0].path}:{passages[0].line}: {passages[0].text}" if passages else f"{LABEL} not found"


@llm(model="llama3.1-8b", tokens_in=107, tokens_out=18, max_tokens=200, simulate=simulated_summary)
def summarise(request: str, passages: list[Passage]) -> str:
    """You answer a request from the passages given, and name the one you used."""
    return "\n".join([request, *(f"{passage.path}:{passage.line}: {passage.text}" for passage in passages)])


@agent
def researcher(request: str) -> str:
    """Searches the documents and sums up what was found."""
    return summarise(request, search_docs(request))


@agent
def accountant(request: str) -> str:
    """Calculates."""
    return report_sum(request, calculate(request).value)


@compute(latency="0.4ms", cost_usd=0)
def report_sum(request: str, value: float | None) -> str:
    return f"{request} = {value:.6g}" if value is not None else f"{request} has no value"


def simulated_text(question: str, notes: list[Note]) -> str:
    return "\n".join([LABEL, *(f"- {note.text.removeprefix(LABEL).strip()}" for note in notes)])


@llm(model="llama3.1-8b", tokens_in=54, tokens_out=28, max_tokens=400, simulate=simulated_text)
def write(question: str, notes: list[Note]) -> str:
    """You write an answer from the notes of your colleagues."""
    return "\n".join([question, *(note.text for note in notes)])


@compute(latency="0.4ms", cost_usd=0)
def file_note(notes: list[Note], order: Order, text: str) -> list[Note]:
    return [*notes, Note(order.worker, order.request, text)]


@agent(sla={"p95": "20s"})
def supervisor(question: str) -> str:
    """At most five orders; the answer is the text of the last note, which is the writer's unless the bound ended it."""

    def carry_out(case: Case) -> Case:
        text = when(
            case.order.worker == "researcher",
            lambda: researcher(case.order.request),
            lambda: when(
                case.order.worker == "accountant",
                lambda: accountant(case.order.request),
                lambda: write(question, case.notes),
                p=0.5,
            ),
            p=0.34,
        )
        notes = file_note(case.notes, case.order, text)
        return Case(notes, supervise(question, notes))

    first = Case([], supervise(question, []))
    case = loop(carry_out, first, until=lambda case: case.order.worker == "nobody", max_iters=5, expect=3)
    return case.notes[-1].text
