"""Two retrievals, each with its own answer from one shared prompt, and the merge of both."""

from collections.abc import Callable
from itertools import takewhile
from types import ModuleType

import pytest

from costmodel.fleet import DeviceClass
from costmodel.llm import prefill_work
from costmodel.models import load_models
from costmodel.prefix import prefix_work, rest_work
from costmodel.roofline import time
from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.graph import Graph
from orchestrator.pipeline import PlanRequest, lower, plan_agent, plan_module
from orchestrator.task_inputs import task_inputs
from orchestrator.turns import Turn
from tests.placement.sample_agents import CATALOG, cores, fleet


@pytest.fixture
def rag(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("rag_two_retrievals")


class Prompts(SimulatedBackend):
    """Answers as the simulated model does, and keeps each prompt as one text."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def respond(self, request: LlmRequest) -> Turn:
        self.prompts.append("\n".join(f"{message['role']}: {message['content']}" for message in request.messages))
        return super().respond(request)


def test_both_sources_answer(rag: ModuleType) -> None:
    with recording() as record:
        answer = rag.rag_two_retrievals("Which pool serves a model?")
    # `pool` and `model` stand in one passage of the guide and in the one of the decision
    assert answer.sources == ["docs/guide.md:5", "docs/decisions/0001-pools.md:3"]
    assert answer.text.split("\n\n") == [
        "[simulated text] A pool of replicas serves one model.",
        "[simulated text] A pool is shared because the weights of a model are large.",
    ]
    assert record.simulated == ["answer"]


def test_a_source_that_says_nothing_adds_nothing(rag: ModuleType) -> None:
    assert rag.rag_two_retrievals("Which bound_scope?").sources == ["docs/guide.md:7"]
    assert rag.rag_two_retrievals("xylophone") == rag.Answer("", [])


def test_the_same_answer_is_said_once(rag: ModuleType) -> None:
    first, second = rag.Answer("Same.", ["a:1"]), rag.Answer("Same.", ["b:2", "a:1"])
    assert rag.merge([first, second]) == rag.Answer("Same.", ["a:1", "b:2"])


def test_both_calls_share_the_prompt_up_to_the_passages(rag: ModuleType) -> None:
    with use_backend(backend := Prompts()):
        rag.rag_two_retrievals("Which pool serves a model?")
    first, second = backend.prompts
    shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    assert shared.startswith("system: You answer a question about a project from the passages given")
    assert shared.endswith("\nuser: Question: Which pool serves a model?\n\nPassages:\ndocs/")


def test_the_graph_is_two_paths_and_a_join(rag: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    graph = rag.rag_two_retrievals.trace()
    assert outline(graph) == [
        "memory recall_guides",
        "llm answer",
        "memory recall_decisions",
        "llm answer_2",
        "compute merge",
    ]
    assert [list(task_inputs(task).values()) for task in graph.body.tasks] == [
        ["question"],
        ["question", "recall_guides"],
        ["question"],
        ["question", "recall_decisions"],
        ["[answer, answer_2]"],
    ]


def test_the_calls_share_their_system_prompt_where_it_pays(rag: ModuleType) -> None:
    graph = rag.rag_two_retrievals.trace()
    a40 = DeviceClass("a40", CATALOG.device("a40"), 1, "dc", None, "simulated", usd_per_hour=3.6)
    shared = plan_agent(graph, fleet(cores(1), a40), PlanRequest(calibration="none"))
    alone = plan_module(
        lower(graph, leave_out={"hoist-shared-prefix"}), graph, fleet(cores(1), a40), PlanRequest(calibration="none")
    )
    assert shared.solution is not None
    assert alone.solution is not None
    # alone: two prefills of 950 tokens; shared: one of 801, and twice the rest of 149 after it, at 0.001 USD a second
    model, device = load_models().model("llama3.1-8b"), CATALOG.device("a40")
    whole = time(prefill_work(model, 950), device, 1, "fp16").latency_s
    first = time(prefix_work(model, 801), device, 1, "fp16").latency_s
    rest = time(rest_work(model, 950, 801), device, 1, "fp16").latency_s
    saved_usd = alone.solution.evaluation.cost_usd - shared.solution.evaluation.cost_usd
    assert saved_usd == pytest.approx(0.001 * (2 * whole - first - 2 * rest), rel=1e-6)
    assert saved_usd > 0
    assert shared.findings[-1].startswith("calls share the KV of their prefixes")
