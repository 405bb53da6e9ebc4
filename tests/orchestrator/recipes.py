"""Random agents as recipes: what they call, repeat and branch on. One recipe runs eagerly and traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from orchestrator import contains, fanout, interrupt, length, loop, observe, react, when
from tests.orchestrator import leaf_functions as leaf

DEPTH = 2


@dataclass(frozen=True)
class Arg:
    """What is read of the values so far: one of them, or a field of it, or a list with it."""

    index: int
    access: str = "whole"

    def read(self, values: Sequence[Any]) -> Any:
        value = values[self.index]
        match self.access:
            case "n":
                return value.n
            case "items":
                return value.items
            case "list":
                return [value, "café"]
            case "pair":
                return {"a": value, "b": 2}
            case _:
                return value


@dataclass(frozen=True)
class Test:
    """A condition on a record."""

    index: int
    kind: str
    bound: int

    def read(self, values: Sequence[Any]) -> Any:
        value = values[self.index]
        match self.kind:
            case "more":
                return value.n > self.bound
            case "between":
                return (value.n + 1 >= self.bound) & (value.n < self.bound + 400)
            case "neither":
                return ~((value.n > self.bound) | (value.n == 3))
            case "long":
                return length(value.items) > 1
            case _:
                return contains(value.items, self.bound % 7)


@dataclass(frozen=True)
class Body:
    """Steps one after another; each adds its value. `result` is a value, or all of them where it is None."""

    steps: tuple[Any, ...]
    result: int | None

    def run(self, values: Sequence[Any]) -> Any:
        known = list(values)
        for step in self.steps:
            known.append(step.run(known))
        return known if self.result is None else known[self.result]


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Arg, ...]

    def run(self, values: list[Any]) -> Any:
        return getattr(leaf, self.function)(*[argument.read(values) for argument in self.arguments])


@dataclass(frozen=True)
class Branch:
    test: Test
    then: Body
    orelse: Body | None

    def run(self, values: list[Any]) -> Any:
        orelse = None if self.orelse is None else (lambda: self.orelse.run(values))  # pyright: ignore
        return when(self.test.read(values), lambda: self.then.run(values), orelse, p=0.3)


@dataclass(frozen=True)
class Repeat:
    init: int
    body: Body
    until: Test
    max_iters: int

    def run(self, values: list[Any]) -> Any:
        def step(value: leaf.Record) -> Any:
            return self.body.run([*values, value])

        return loop(
            step, values[self.init], until=lambda value: self.until.read([*values, value]), max_iters=self.max_iters
        )


@dataclass(frozen=True)
class Spread:
    source: int
    body: Body
    max: int
    overflow: Any
    on_error: Any

    def run(self, values: list[Any]) -> Any:
        items = values[self.source].items
        return fanout(
            lambda item: self.body.run([*values, item]),
            items,
            max=self.max,
            overflow=self.overflow,
            on_error=self.on_error,
        )


@dataclass(frozen=True)
class Turns:
    question: Arg
    tools: tuple[str, ...]
    max_turns: int

    def run(self, values: list[Any]) -> Any:
        tools = [getattr(leaf, name) for name in self.tools]
        return react(leaf.think, tools, self.question.read(values), max_turns=self.max_turns)


@dataclass(frozen=True)
class Note:
    argument: Arg

    def run(self, values: list[Any]) -> Any:
        return observe(self.argument.read(values))


@dataclass(frozen=True)
class Question:
    argument: Arg

    def run(self, values: list[Any]) -> Any:
        return interrupt(self.argument.read(values))


@dataclass(frozen=True)
class Place:
    """Where a step stands. What stands in a fan-out or in an agent, which may be called from one, runs beside other
    steps, so that it must not store; what collects failures does not fail for its width."""

    agents: tuple[str, ...] = ()
    parallel: bool = False
    collects: bool = False
    depth: int = DEPTH


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Body]:
    """What each agent of `leaf_functions` does."""
    beside = Place(parallel=True, collects=True, depth=1)
    return {
        "inner": _Drawing(draw, [True]).body(beside),
        "specialist": _Drawing(draw, [True, True]).body(beside),
        "outer": _Drawing(draw, [True]).body(Place(("inner", "specialist"), parallel=True, collects=True, depth=1)),
        "whole": _Drawing(draw, [True, True]).body(Place(("inner", "specialist", "outer")), sizes=(3, 4, 6, 8)),
    }


@dataclass
class _Drawing:
    """`records` says of each value so far whether it is a record; `calls` are those of this body, to be made again."""

    draw: st.DrawFn
    records: list[bool]
    calls: list[Call] = field(default_factory=list[Call])

    def body(self, place: Place, *inner: bool, record: bool = False, sizes: tuple[int, ...] = (0, 1, 2, 2, 3)) -> Body:
        """A body whose own values are `inner`; with `record`, one that gives a record."""
        drawing = _Drawing(self.draw, [*self.records, *inner])
        steps = [drawing.step(place) for _ in range(self.draw(st.sampled_from(sizes)))]
        if record or self.draw(st.booleans()):
            return Body(tuple(steps), drawing.a_record())
        return Body(tuple(steps), None)

    def step(self, place: Place) -> Any:
        kinds = ["call", "call", "llm", "model", "note", "question", *["again", "again"] * bool(self.calls)]
        kinds += ["branch", "repeat", "spread", "turns", *["agent"] * bool(place.agents)] if place.depth else []
        kinds += [] if place.parallel else ["store", "recall", "recall"]
        step, is_record = getattr(self, self.draw(st.sampled_from(kinds)))(place)
        self.records.append(is_record)
        return step

    def call(self, place: Place) -> tuple[Call, bool]:
        names = [each.__name__ for each in leaf.CALLS if not (place.parallel and each is leaf.keep)]
        return self.called(self.draw(st.sampled_from(names))), True

    def store(self, _: Place) -> tuple[Call, bool]:
        return Call("keep", (self.argument(),)), True

    def recall(self, _: Place) -> tuple[Call, bool]:
        earlier = [call for call in self.calls if call.function == "recall"]
        return (earlier[-1] if earlier else self.called("recall")), True

    def llm(self, _: Place) -> tuple[Call, bool]:
        return self.called(self.draw(st.sampled_from([each.__name__ for each in leaf.LLMS]))), True

    def model(self, _: Place) -> tuple[Call, bool]:
        return self.called("hear"), True

    def agent(self, place: Place) -> tuple[Call, bool]:
        return Call(self.draw(st.sampled_from(place.agents)), (Arg(self.a_record()),)), False

    def called(self, name: str) -> Call:
        count = len(getattr(leaf, name).signature.parameters)
        self.calls.append(Call(name, tuple(self.argument() for _ in range(count))))
        return self.calls[-1]

    def again(self, _: Place) -> tuple[Call, bool]:
        return self.draw(st.sampled_from(self.calls)), True

    def branch(self, place: Place) -> tuple[Branch, bool]:
        below, both = self.below(place), self.draw(st.booleans())
        orelse = self.body(below, record=both) if both or self.draw(st.booleans()) else None
        return Branch(self.test(), self.body(below, record=both), orelse), both

    def repeat(self, place: Place) -> tuple[Repeat, bool]:
        body = self.body(self.below(place), True, record=True)
        most = self.draw(st.integers(1, 3))
        return Repeat(self.a_record(), body, self.test(len(self.records)), most), True

    def spread(self, place: Place) -> tuple[Spread, bool]:
        on_error = self.draw(st.sampled_from(["fail", "collect"]))
        collects = place.collects or on_error == "collect"
        body = self.body(Place(place.agents, True, collects, place.depth - 1), False)
        overflow = "truncate" if collects else self.draw(st.sampled_from(["error", "truncate"]))
        return Spread(self.a_record(), body, self.draw(st.integers(2, 3)), overflow, on_error), False

    def turns(self, place: Place) -> tuple[Turns, bool]:
        tools = ["join", *["specialist"] * ("specialist" in place.agents)]
        chosen = self.draw(st.lists(st.sampled_from(tools), unique=True, max_size=2))
        return Turns(self.argument(), tuple(chosen), self.draw(st.integers(1, 3))), False

    def note(self, _: Place) -> tuple[Note, bool]:
        index = self.a_record()
        return Note(Arg(index)), True

    def question(self, _: Place) -> tuple[Question, bool]:
        return Question(self.argument()), False

    def below(self, place: Place) -> Place:
        return Place(place.agents, place.parallel, place.collects, place.depth - 1)

    def argument(self) -> Arg:
        index = self.draw(st.integers(0, len(self.records) - 1))
        kinds = ["whole", "whole", "list", "pair", *["n", "items"] * self.records[index]]
        return Arg(index, self.draw(st.sampled_from(kinds)))

    def test(self, index: int | None = None) -> Test:
        kinds = st.sampled_from(["more", "between", "neither", "long", "has"])
        return Test(self.a_record() if index is None else index, self.draw(kinds), self.draw(st.integers(0, 999)))

    def a_record(self) -> int:
        return self.draw(st.sampled_from([index for index, is_one in enumerate(self.records) if is_one]))
