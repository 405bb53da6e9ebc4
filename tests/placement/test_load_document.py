from pathlib import Path

import pytest

from ir.sla import Sla
from placement.load import DEFAULT_MARGIN, AgentDemand, DataRule, LoadError, StatedCount, StatedLimits, StatedTokens
from placement.load_document import load_load
from placement.shared_problem import Budget

FULL = """
name: evening
margin: 1.1
budget: {usd_per_hour: 40, watts: 9000, gco2e_per_hour: 3000}
agents:
  - agent: one
    runs_per_hour: 7200
    arrival_cv2: 1.5
    sla: p95=4s
    tenant: acme
    tokens:
      answer: {in: {mean: 500, p95: 900}, out: {cv: 0.5}}
      revise: {trace: calls.csv}
    limits: {answer: {ttft: p95=800ms, tpot: 40ms}}
    pins: {search: xeon_8480p}
    include: [xeon_8480p, h100_sxm]
    exclude: [a40]
    data: {site: home, operators: [search]}
  - {agent: two, rate_per_s: 0.5}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "load.yaml"
    path.write_text(text)
    return path


def test_every_key_arrives(tmp_path: Path) -> None:
    load = load_load(written(tmp_path, FULL))
    assert (load.name, load.margin, load.budget) == ("evening", 1.1, Budget(40, 9000, 3000))
    assert load.agents[0] == AgentDemand(
        agent="one",
        rate_per_s=2.0,  # 7200 / 3600
        arrival_cv2=1.5,
        sla=Sla("p95", 4.0),
        tenant="acme",
        tokens={
            "answer": StatedTokens(StatedCount(500, p95=900), StatedCount(cv=0.5)),
            "revise": StatedTokens(trace=tmp_path / "calls.csv"),
        },
        limits={"answer": StatedLimits(Sla("p95", 0.8), 0.04)},
        pins={"search": "xeon_8480p"},
        include=("xeon_8480p", "h100_sxm"),
        exclude=("a40",),
        data=DataRule("home", ("search",)),
    )
    assert load.agents[1] == AgentDemand("two", 0.5)


def test_the_margin_without_one(tmp_path: Path) -> None:
    load = load_load(written(tmp_path, "name: a\nagents: [{agent: one, rate_per_s: 1}]\n"))
    assert load.margin == DEFAULT_MARGIN == 1.25


def test_a_margin_of_each_times_own_interval(tmp_path: Path) -> None:
    load = load_load(written(tmp_path, "name: a\nmargin: interval\nagents: [{agent: one, rate_per_s: 1}]\n"))
    assert (load.margin, load.factor) == ("interval", 1.0)


def test_system_prompts_may_be_kept_and_encoders_split(tmp_path: Path) -> None:
    text = "name: a\nprefixes: {}\nagents: [{{agent: one, rate_per_s: 1}}]\n"
    kept, read = (load_load(written(tmp_path, text.format(each))) for each in ("kept", "read"))
    assert (kept.keeps_prefixes, read.keeps_prefixes) == (True, False)
    split = load_load(written(tmp_path, "name: a\nencoders: split\nagents: [{agent: one, rate_per_s: 1}]\n"))
    assert (split.splits_encoders, read.splits_encoders) == (True, False)
    turns = load_load(written(tmp_path, "name: a\nturns: kept\nagents: [{agent: one, rate_per_s: 1}]\n"))
    assert (turns.keeps_turns, read.keeps_turns) == (True, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: a\nagents: [{agent: one, rate: 1}]", r"load.yaml:2: unknown key 'agents.0.rate'"),
        ("name: a\nbudget: {usd: 1}\nagents: [{agent: one, rate_per_s: 1}]", r":2: unknown key 'budget.usd'"),
        (
            "name: a\nagents:\n - {agent: one, rate_per_s: 1, tokens: {f: {in: {p90: 1}}}}",
            r":3: unknown key 'agents.0.tokens.f.in.p90'",
        ),
        ("name: a\nagents: [{rate_per_s: 1}]", r"the key 'agents.0.agent' is missing"),
        ("name: a\nagents: [{agent: one}]", "either rate_per_s or runs_per_hour"),
        ("name: a\nagents: [{agent: one, rate_per_s: 1, runs_per_hour: 1}]", "either rate_per_s or runs_per_hour"),
        ("name: a\nagents: [{agent: one, rate_per_s: 0}]", "greater than 0, got 0"),
        (
            "name: a\nagents: [{agent: one, rate_per_s: 1, include: []}]",
            r"agents.0.include: List should have at least 1",
        ),
        (
            "name: a\nagents: [{agent: one, rate_per_s: 1, limits: {f: {tpot: 0ms}}}]",
            "limits of 'f': tpot: the limit must be positive, got '0ms'",
        ),
        ("name: a\nagents: [{agent: one, rate_per_s: 1}, {agent: one, rate_per_s: 1}]", "'one' stands twice"),
        ("name: a\nagents: [{agent: one, rate_per_s: 1, sla: p94=1s}]", "agent 'one': sla: unknown SLA statistic"),
        ("name: a\nagents: [{agent: one, rate_per_s: 1, limits: {f: {tpot: soon}}}]", "limits of 'f': tpot:"),
        (
            "name: a\nagents: [{agent: one, rate_per_s: 1, tokens: {f: {in: {cv: 1, p95: 2}}}}]",
            "give either cv or p95",
        ),
        (
            "name: a\nagents: [{agent: one, rate_per_s: 1, tokens: {f: {in: {cv: 1}, trace: t.csv}}}]",
            "a trace gives all counts",
        ),
        ("name: a\nmargin: 0.9\nagents: [{agent: one, rate_per_s: 1}]", ":2: margin: "),
        (
            "name: a\nmargin: wide\nagents: [{agent: one, rate_per_s: 1}]",
            ":2: margin: .*a number from 1 to 10, or interval, got 'wide'",
        ),
        ("[]", "a load file is a mapping with the keys name, agents, budget, margin"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(LoadError, match=why):
        load_load(written(tmp_path, text))


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="the load file cannot be read"):
        load_load(tmp_path / "absent.yaml")
