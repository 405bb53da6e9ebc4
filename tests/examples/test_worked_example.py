"""The worked example is one model call of 1000 tokens in and 500 out under 120 ms."""

from collections.abc import Callable
from types import ModuleType

import pytest

from ir.sla import Sla
from orchestrator.eager import recording
from orchestrator.graph import LlmTask
from orchestrator.run_input import RunInputError, check_inputs


@pytest.fixture
def worked(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("worked_example")


def test_the_graph_is_one_call(worked: ModuleType) -> None:
    graph = worked.worked_example.trace()
    (task,) = graph.body.tasks
    assert isinstance(task, LlmTask)
    assert (graph.name, task.id, graph.body.result) == ("worked_example", "answer", "answer")
    assert (task.models, task.tokens_in, task.tokens_out) == (("llama3.1-8b",), 1000, 500)
    assert graph.sla == Sla("worst", 0.12)


def test_an_eager_run_says_that_it_is_simulated(worked: ModuleType) -> None:
    with recording() as record:
        text = worked.worked_example(**worked.EXAMPLE_INPUT)
    assert text == f"[simulated text] No model has answered: {worked.EXAMPLE_INPUT['question']}"
    assert record.simulated == ["answer"]


def test_the_example_input_fits_and_another_does_not(worked: ModuleType) -> None:
    graph = worked.worked_example.trace()
    assert check_inputs(worked.EXAMPLE_INPUT, graph) == worked.EXAMPLE_INPUT
    with pytest.raises(RunInputError, match=r"query: is no parameter.*question: is missing"):
        check_inputs({"query": "x"}, graph)
