"""Four paths from one text: each finds what it should, and nothing but data orders them."""

from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import recording
from orchestrator.graph import FanoutTask, Graph, WhenTask
from orchestrator.task_inputs import task_inputs

LONG = "The `bound` is `zebra` " + "very " * 24 + "long. It ends."


@pytest.fixture
def custom(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("custom_graph")


def test_all_paths_are_joined(custom: ModuleType) -> None:
    with recording() as record:
        review = custom.custom_graph(LONG)
    # 4 + 24 + 1 = 29 words in the first sentence, of which 25 stay, and 2 in the second
    assert review.size == custom.Size(words=31, sentences=2, longest=29)
    assert (review.unknown, review.tone) == (["zebra"], "[simulated text] careful")
    assert review.text == "[simulated text] The `bound` is `zebra` " + "very " * 21 + "It ends."
    assert set(record.simulated) == {"list_terms", "judge_tone", "shorten"}


def test_a_short_text_takes_the_other_branch(custom: ModuleType) -> None:
    with recording() as record:
        review = custom.custom_graph("It never ends.")
    assert review == custom.Review(custom.Size(3, 1, 3), [], "[simulated text] certain", "It never ends.")
    assert "shorten" not in record.simulated


def test_only_the_first_terms_are_looked_up(custom: ModuleType) -> None:
    text = " ".join(f"`zebra{number}`" for number in range(7))
    assert custom.custom_graph(text).unknown == [f"zebra{number}" for number in range(5)]


def test_the_graph_has_four_paths_and_a_join(custom: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    graph = custom.custom_graph.trace()
    assert outline(graph) == [
        "compute measure",
        "llm list_terms",
        "fanout find_text_fanout <= 5",
        "  tool find_text",
        "llm judge_tone",
        "when measure_when",
        "  llm shorten",
        "compute compose",
    ]
    measure, terms, fanout, tone, when, join = graph.body.tasks
    assert [list(task_inputs(task).values()) for task in (measure, terms, tone)] == [["text"]] * 3
    assert isinstance(fanout, FanoutTask)
    assert isinstance(when, WhenTask)
    assert (fanout.items, fanout.overflow, when.condition) == ("list_terms", "truncate", "measure.longest > 25")
    assert list(task_inputs(join).values()) == [
        "measure",
        "list_terms",
        "find_text_fanout",
        "judge_tone",
        "measure_when",
    ]
