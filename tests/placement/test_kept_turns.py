"""KV kept between the turns of a react on shared pools: the time between turns, and memory for those that wait."""

import heapq
import math
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from costmodel.models import load_models
from costmodel.turns import Turns
from ir import view
from orchestrator import agent, interrupt, react
from orchestrator.agent_function import AgentFunction
from orchestrator.pipeline import lower
from placement.kept_turns import FOUND, KEEP_CAPS, Kept, contexts, kept_turns, waiting_calls
from placement.queueing import Arrivals, waiting
from placement.specs_from_ir import read_specs
from placement.structure import read_structure
from placement.token_counts import of_cv
from tests.placement.sample_agents import answer, answer_agent, first, react_agent, search, second


def kept_of(traced: AgentFunction[..., object]) -> dict[str, Kept]:
    structure = read_structure(view.entry(lower(traced.trace())))
    specs = read_specs(structure.operations)
    found = kept_turns(specs, structure)
    return {f"{specs[at].id} of {structure.alternatives[at]}": kept for at, kept in found.items()}


@agent
def asks_somebody(question: str) -> str:
    return interrupt({"please": question})


@agent
def with_a_person(text: str) -> str:
    return react(answer, [search, asks_somebody], text, max_turns=5, expect=3)


@agent
def with_an_agent(text: str) -> str:
    return second(react(answer, [search, answer_agent], first(text), max_turns=5, expect=3))


def test_between_two_turns_an_answer_is_read_a_tool_works_and_a_prompt_is_made() -> None:
    found = kept_of(react_agent)
    assert list(found) == ["answer.prefill of (0, 2)", "answer.decode of (0, 2)"]
    (kept,) = set(found.values())
    assert kept.turns == Turns(expect=3, tool_tokens=35)
    # either tool as often: each runs once in 3 turns, that is in 2 gaps
    often = {spec.id: times for spec, times in kept.between}
    assert often == {"answer.render": 1.0, "answer.parse": 1.0, "search": 0.5, "lookup": 0.5}
    longest = {
        spec: 0.1 if spec.id == "search" else 0.02 for spec, _ in kept.between if spec.id in {"search", "lookup"}
    }
    assert kept.gap_s(longest) == pytest.approx(0.06)
    assert kept.unknown is None


def test_a_tool_whose_time_nobody_knows_beforehand_keeps_nothing() -> None:
    (model,) = set(kept_of(with_an_agent).values())
    assert model.unknown is not None
    assert "runs a model, for as long as its place and its load make it" in model.unknown
    (person,) = set(kept_of(with_a_person).values())
    assert person.unknown == "between its turns somebody is asked, and nobody knows for how long"


def test_memory_for_contexts_between_two_turns_by_hand() -> None:
    turn = Arrivals(0.0, 0.5, 0.0), Arrivals(0.0, 1.5, 0.0)
    # One slot, 70 % busy: 0.35 turns of 2 s a second, 0.7 visits of 1 s. E[s^2] = (0.25 + 2.25) / 2 = 1.25, so that a
    # visit waits 0.7 x 1.25 / (2 x 0.3) = 1.4583 s, and a gap of 4 s becomes 6.9167 s. Of three turns one is the last:
    # 0.35 x 6.9167 x (ln(20) / 3 + 0.95 x 2 / 3) = 3.951, and 3.951 + 1.645 x 1.988 = 7.22.
    assert (KEEP_CAPS[-1], FOUND) == (0.7, 0.95)
    assert waiting_calls(Turns(3, 50), 4.0, turn, 1) == 8
    # Ten times the tool: 0.35 x 42.9167 x 1.6319 = 24.513, and 1.645 x 4.951 = 8.14 more.
    assert waiting_calls(Turns(3, 50), 40.0, turn, 1) == 33


def test_many_contexts_are_not_all_long_at_once() -> None:
    model = load_models().model("llama3.1-8b")
    counts = of_cv(1000, 0.5, "stated"), of_cv(100, 0.25, "stated")
    # mean 1,100, deviation sqrt(500^2 + 25^2) = 500.6; of four 1,100 + 1.645 x 500.6 / 2 = 1,511.8 each
    assert contexts(model, counts, 2000.0, 4) == pytest.approx(4 * 1511.8 / 2000, rel=1e-4)
    assert contexts(model, counts, 1300.0, 4) == pytest.approx(4.0), "none is longer than the longest"
    assert contexts(model, counts, 2000.0, 0) == 0.0


Draw = Callable[[random.Random], float]


def turns_by_events(
    rates: tuple[float, float], gap: Draw, slots: int, room: int
) -> Iterator[tuple[float, bool | None]]:
    """Each turn's waiting and, of later ones, whether its KV was there: reacts of 4 turns on 2 replicas.

    `rates` are reacts a second and turns that a slot ends a second. A react stays on the replica that it drew; each
    replica drops the context that was not used for longest, not knowing which turn was the last.
    """
    rng, order = random.Random(7), count()
    events: list[tuple[float, int, tuple[int, int, int] | None, bool]] = [(0.0, next(order), None, False)]
    free = [slots, slots]
    queues: list[deque[tuple[float, tuple[int, int, int]]]] = [deque(), deque()]
    held: list[OrderedDict[int, None]] = [OrderedDict(), OrderedDict()]
    for _ in range(120_000):
        now, _, turn, ends = heapq.heappop(events)
        if turn is None:
            heapq.heappush(events, (now + rng.expovariate(rates[0]), next(order), None, False))
            turn = next(order), rng.randrange(2), 4
        react, replica, left = turn
        if ends:
            free[replica] += 1
            if left > 1:
                heapq.heappush(events, (now + gap(rng), next(order), (react, replica, left - 1), False))
        else:
            found = None if left == 4 else react in held[replica]
            held[replica][react] = None
            held[replica].move_to_end(react)
            if len(held[replica]) > room + slots:
                held[replica].popitem(last=False)
            queues[replica].append((now, turn))
            yield -1.0, found
        if free[replica] and queues[replica]:
            came, begun = queues[replica].popleft()
            free[replica] -= 1
            heapq.heappush(events, (now + rng.expovariate(rates[1]), next(order), begun, True))
            yield now - came, None


@pytest.mark.parametrize(("slots", "gap_s"), [(1, 4.0), (4, 20.0), (8, 1.0)])
@pytest.mark.parametrize("spread", ["none", "exponential", "heavy"])
def test_turns_find_their_kv_and_wait_as_said_event_by_event(slots: int, gap_s: float, spread: str) -> None:
    draws: dict[str, Draw] = {
        "none": lambda rng: gap_s,
        "exponential": lambda rng: rng.expovariate(1.0 / gap_s),
        "heavy": lambda rng: gap_s * rng.lognormvariate(-1.125, 1.5),
    }
    room = waiting_calls(Turns(4, 50), gap_s, (Arrivals(0.0, 1.0, 1.0),), slots)
    rows = list(turns_by_events((2 * KEEP_CAPS[-1] * slots / 4, 1.0), draws[spread], slots, room))
    found = [here for _, here in rows if here is not None]
    assert sum(found) / len(found) >= FOUND
    waits = [wait_s for wait_s, _ in rows if wait_s >= 0.0]
    (said,) = waiting([Arrivals(KEEP_CAPS[-1] * slots, 1.0, 1.0)], slots)
    assert math.fsum(waits) / len(waits) == pytest.approx(said.mean_s, rel=0.15)
