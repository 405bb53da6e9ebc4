import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from costmodel.fleet import Finance, Fleet, load_fleet
from ir.sla import Sla
from orchestrator import agent, tool
from orchestrator.graph import Degrade, Graph
from orchestrator.pipeline import PlanRequest, plan_agent
from orchestrator.provenance import fleet_sha256
from placement.plan import Provenance
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import CATALOG, cores, fleet, h100, row


@tool(latency="1ms", cost_usd=0, retries=2, idempotent=True, stream=True)
def flaky(text: str) -> str:
    return text


@agent
def flaky_agent(text: str) -> str:
    return flaky(text)


def provenance(graph: Graph, of: Fleet | None = None, request: PlanRequest | None = None) -> Provenance:
    result = plan_agent(graph, of or fleet(), request or PlanRequest())
    assert result.plan is not None
    return result.plan.provenance


def test_where_a_plan_comes_from() -> None:
    found = provenance(agents.chain_agent.trace())
    assert (found.agent, found.fleet, found.catalog) == ("chain_agent", "test", "default")
    assert found.orchestrator_version == version("agent-orchestrator")
    assert found.solver.startswith("HiGHS ")


def test_the_digests_change_with_what_they_digest_and_with_nothing_else() -> None:
    chain = agents.chain_agent.trace()
    assert provenance(chain) == provenance(chain)
    one = provenance(chain).graph_sha256
    assert one != provenance(agents.diamond_agent.trace()).graph_sha256
    digests = [
        fleet_sha256(each)
        for each in (
            fleet(),
            fleet(cores(9), h100()),
            fleet(cores(usd_per_hour=4.0), h100()),
            fleet(rows=(row("a.call", "xeon_8480p", 1.0),)),
            replace(fleet(), electricity_usd_per_kwh=0.2),
            replace(fleet(), finance=Finance(rate=0.05)),
        )
    ]
    assert len(set(digests)) == len(digests)
    assert fleet_sha256(fleet()) == digests[0]


def test_the_fleets_digest_is_the_same_in_another_folder_and_process(project: Path, tmp_path: Path) -> None:
    for name in ("hp-co.yaml", "hp-co.csv"):
        (tmp_path / name).write_bytes((project / "examples/fleets" / name).read_bytes())
    program = (
        "from costmodel.fleet import load_fleet; from orchestrator.provenance import fleet_sha256; "
        "print(fleet_sha256(load_fleet('hp-co.yaml')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == fleet_sha256(load_fleet(project / "examples/fleets/hp-co.yaml"))


PLAIN = agents.chain_agent.trace()
ANSWER = agents.answer_agent.trace()
PAPER = replace(fleet(), finance=Finance(kind="paper", column="operating"))
MEASURED = fleet(
    rows=tuple(
        row(f"answer.{phase}", device, 0.1)
        for phase in ("prefill", "decode", "render", "parse")
        for device in (("h100_sxm", "xeon_8480p") if phase in {"prefill", "decode"} else ("xeon_8480p",))
    )
)


@pytest.mark.parametrize(
    ("graph", "of", "request_", "words"),
    [
        (PLAIN, fleet(), PlanRequest(), "annuity at 8% over 4 years"),
        (PLAIN, PAPER, PlanRequest(), "formula of arXiv 2507.19635, operating column"),
        (PLAIN, fleet(), PlanRequest(), "no queueing"),
        (PLAIN, fleet(), PlanRequest(), "counts as 4096 bytes on a link"),
        (PLAIN, fleet(), PlanRequest(), "'simulated' are not here"),
        (ANSWER, fleet(), PlanRequest(), "weights in fp16, KV in fp16; 1 call in a batch of a decode"),
        (
            ANSWER,
            fleet(),
            PlanRequest(batch=4, precisions=("fp16", "fp8")),
            "weights in fp16 or fp8, KV in fp16; 4 calls in a",
        ),
        (ANSWER, fleet(), PlanRequest(), "a prompt and reading an answer take 0.0003 s each on a core (measured warm)"),
        (ANSWER, MEASURED, PlanRequest(), "profile rows of models are taken to have measured fp16 weights"),
        (agents.pause_agent.trace(), fleet(), PlanRequest(), "until a person answers a question is not counted"),
        (flaky_agent.trace(), fleet(), PlanRequest(), "retries are not counted"),
        (flaky_agent.trace(), fleet(), PlanRequest(), "the items of a stream are equal and come evenly"),
        (replace(PLAIN, first_output=Sla("p95", 1.0)), fleet(), PlanRequest(), "first output is planned with a load"),
        (replace(PLAIN, degrade=Degrade(max_iters=1)), fleet(), PlanRequest(), "fall back to when it is late"),
    ],
)
def test_what_is_taken_for_granted_is_said(graph: Graph, of: Fleet, request_: PlanRequest, words: str) -> None:
    (found,) = [each for each in provenance(graph, of, request_).assumptions if words in each]
    assert found == found.strip()


@pytest.mark.parametrize(
    ("graph", "of", "words"),
    [
        (PLAIN, fleet(), "weights in"),
        (PLAIN, fleet(), "take 0.0003 s each"),
        (PLAIN, fleet(), "question"),
        (PLAIN, fleet(), "retries"),
        (PLAIN, fleet(), "stream"),
        (PLAIN, fleet(), "first output"),
        (PLAIN, fleet(), "fall back"),
        (PLAIN, fleet(cores()), "'simulated'"),
        (ANSWER, MEASURED, "take 0.0003 s each"),
        (ANSWER, fleet(), "profile rows"),
        (PLAIN, fleet(), "design goals"),
    ],
)
def test_what_is_not_taken_for_granted_is_not_said(graph: Graph, of: Fleet, words: str) -> None:
    assert [each for each in provenance(graph, of).assumptions if words in each] == []


def test_a_device_that_does_not_exist_yet_says_so() -> None:
    goal = next(id_ for id_ in CATALOG.ids if "spyre_1_5" in id_)
    planned = replace(h100(), id=goal, device=replace(h100().device or CATALOG.device("a40"), id=goal))
    assert planned.device is not None
    goals = {"mem_bytes": replace(next(iter(planned.device.sources.values())), confidence="goal")}
    future = fleet(cores(), replace(planned, device=replace(planned.device, sources=goals)))
    assert f"{goal} does not exist yet: its figures are design goals" in provenance(PLAIN, future).assumptions
