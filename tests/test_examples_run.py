"""The research assistant on a real Ray: its steps execute, its citations hold, promise stands beside measurement.

And a function of the user that raises: the run ends as error with the user's traceback and the results so far.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import Fleet, load_fleet
from orchestrator.agent_files import FoundAgent, find_agent
from orchestrator.pipeline import PlanRequest, plan_agent
from placement.plan import Plan
from runtime.ray_executor import run
from runtime.ray_session import open_session
from runtime.run_options import RunOptions
from runtime.trace import RunReport

pytestmark = pytest.mark.ray

EXAMPLE = Path("examples/research_assistant.py")
HOST_OPS = {"tool.invoke", "memory.lookup", "agent.compute", "llm.render", "llm.parse"}
DEVICE_OPS = {"llm.prefill", "llm.decode"}

FAILING = """
from orchestrator import agent, compute, tool


@compute(latency="1ms", cost_usd=0)
def keep(question: str) -> str:
    return question.upper()


def inner(text: str) -> int:
    return int(text)


@tool(latency="1ms", cost_usd=0)
def fail(text: str) -> int:
    return inner(text)


@compute(latency="1ms", cost_usd=0)
def never(number: int) -> int:
    return number


@agent
def failing(question: str) -> int:
    return never(fail(keep(question)))
"""


@pytest.fixture(scope="module")
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/mixed.yaml")


@pytest.fixture(scope="module", autouse=True)
def local_ray(fleet: Fleet) -> Iterator[None]:
    """One Ray with the devices of the fleet, which all runs share."""
    session = open_session({each.id: float(each.count) for each in fleet.classes}, RunOptions())
    yield
    session.close()


def planned(file: Path, fleet: Fleet) -> tuple[FoundAgent, Plan]:
    found = find_agent(file, None)
    plan = plan_agent(found.graph, fleet, PlanRequest()).plan
    assert plan is not None
    return found, plan


@pytest.fixture(scope="module")
def research(project: Path, fleet: Fleet) -> tuple[Plan, RunReport]:
    """The example on its own input, run once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        found, plan = planned(EXAMPLE, fleet)
        example: Any = found.example_input
        return plan, run(plan, example, RunOptions(root=project, time_scale=0.01))


def test_the_run_succeeds_and_says_whether_the_sla_was_met(research: tuple[Plan, RunReport]) -> None:
    plan, report = research
    assert (report.status, report.error) == ("success", None)
    assert plan.sla is not None
    assert (report.sla_stat, report.limit_s) == (plan.sla.stat, plan.sla.limit_s)
    assert report.verdict == ("met" if report.latency_s <= plan.sla.limit_s else "missed")
    assert report.promised_latency_s == plan.promised.latency_s <= plan.sla.limit_s


def test_every_operator_has_a_device_a_promise_and_a_measurement(research: tuple[Plan, RunReport]) -> None:
    plan, report = research
    assert [each.id for each in report.operators] == [each.id for each in plan.operators]
    assert {each.op for each in report.operators} == HOST_OPS | DEVICE_OPS
    for each in report.operators:
        assert each.device
        assert each.promised_s > 0
        assert each.count >= 1, f"{each.id} did not run"
        assert each.failures == 0
        assert each.measured_s is not None
        assert each.measured_s > 0


def test_tools_memory_and_compute_really_execute_on_cores(research: tuple[Plan, RunReport]) -> None:
    plan, report = research
    drivers = {pool.id: pool.driver for pool in plan.pools}
    for each in report.operators:
        assert each.simulated == (each.op in DEVICE_OPS), each.id
        assert (drivers[each.pool] == "cpu") == (each.op in HOST_OPS), each.id
    # A prediction has no scatter: what was measured on a core is not what was promised, what was simulated is.
    for each in report.operators:
        assert (each.measured_s == pytest.approx(each.promised_s, rel=1e-9)) == each.simulated, each.id
    # Values that only the functions themselves can give: 0.015 / 0.11 x 100 = 13.636363...
    sums = [value for name, value in report.results.items() if name.endswith("/calculate")]
    assert [each["value"] for each in sums] == [pytest.approx(100 * 0.015 / 0.11)]


def test_every_citation_names_an_existing_file_and_line(research: tuple[Plan, RunReport], project: Path) -> None:
    value: Any = research[1].value
    assert value["citations"]
    for citation in value["citations"]:
        path, _, line = citation.rpartition(":")
        lines = (project / path).read_text(encoding="utf-8").splitlines()
        assert 1 <= int(line) <= len(lines), citation
        assert lines[int(line) - 1].strip(), citation
    # Every claim of the answer carries a citation of the list, or was calculated.
    claims = [line for line in value["text"].splitlines() if line.startswith("- ")]
    cited = [re.search(r"\[([^\]]+)\]$", claim) for claim in claims]
    assert {found[1] for found in cited if found} == {*value["citations"], "calculated"}
    assert None not in cited
    assert "[simulated text]" in value["text"]


def test_a_changed_document_changes_the_answer(
    project: Path, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project / "examples", tmp_path / "examples")
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Zebras\n\nStripes of a zebra confuse the tsetse fly.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    _, plan = planned(EXAMPLE, fleet)
    options = RunOptions(root=tmp_path, time_scale=0.01)
    report = run(plan, {"question": "What do the stripes of a zebra confuse?"}, options)
    value: Any = report.value
    assert value["citations"] == ["README.md:3"]
    assert "tsetse" in value["text"]


def test_a_function_that_raises_ends_the_run_and_keeps_the_results_so_far(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("failing.py").write_text(FAILING, encoding="utf-8")
    _, plan = planned(Path("failing.py"), fleet)
    report = run(plan, {"question": "seven"}, RunOptions(root=tmp_path))
    assert (report.status, report.value, report.verdict) == ("error", None, "none")
    assert report.error is not None
    assert (report.error.kind, report.error.type) == ("raised", "ValueError")
    assert report.error.message == "invalid literal for int() with base 10: 'SEVEN'"
    frames = re.findall(r'File "(.+)", line (\d+), in (\w+)', report.error.traceback)
    lines = FAILING.splitlines()
    assert frames == [
        (str(tmp_path / "failing.py"), str(lines.index("    return inner(text)") + 1), "fail"),
        (str(tmp_path / "failing.py"), str(lines.index("    return int(text)") + 1), "inner"),
    ]
    assert dict(report.results) == {"keep": "SEVEN"}
    assert {each.id: (each.count, each.failures) for each in report.operators} == {
        "keep": (1, 0),
        "fail": (0, 1),
        "never": (0, 0),
    }
