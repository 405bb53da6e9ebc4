"""Each rule of a load file in words, and the load without it."""

from __future__ import annotations

from dataclasses import replace

from ir.sla import Sla
from orchestrator.load_rules import rules_of, with_demand
from placement.load import AgentDemand, DataRule, Load, StatedLimits

RAG = AgentDemand(
    "rag",
    1.0,
    tenant="blue",
    pins={"answer": "a40", "search": "xeon_8480p"},
    include=("a40", "xeon_8480p"),
    exclude=("h100_sxm",),
    data=DataRule("dc", ("search",)),
    limits={"answer": StatedLimits(Sla("p95", 0.5), 0.02)},
)
LOAD = Load("two", (RAG, AgentDemand("batch", 1.0, tenant="blue")))


def test_every_rule_in_words_and_what_it_is_to_leave_it_out() -> None:
    assert [(term.text, term.remedy) for term in rules_of(LOAD)] == [
        ("answer of rag pinned to a40", "unpin answer of rag"),
        ("search of rag pinned to xeon_8480p", "unpin search of rag"),
        ("rag only on a40 or xeon_8480p", "include more classes for rag"),
        ("rag not on h100_sxm", "let rag use h100_sxm"),
        ("data of rag at site dc", "let data of rag leave site dc"),
        ("first token of answer of rag p95 <= 500 ms", "leave out the limit on the first token of answer of rag"),
        ("each token of answer of rag <= 20 ms", "leave out the limit on each token of answer of rag"),
        ("tenant blue apart", "let tenant blue share pools"),
    ]


def test_each_is_left_out_by_itself() -> None:
    without = [change(LOAD).agents for change in rules_of(LOAD).values()]
    rag = [agents[0] for agents in without]
    assert rag[0] == replace(RAG, pins={"search": "xeon_8480p"})
    assert rag[1] == replace(RAG, pins={"answer": "a40"})
    assert rag[2] == replace(RAG, include=None)
    assert rag[3] == replace(RAG, exclude=())
    assert rag[4] == replace(RAG, data=None)
    assert rag[5].limits == {"answer": StatedLimits(None, 0.02)}
    assert rag[6].limits == {"answer": StatedLimits(Sla("p95", 0.5), None)}
    assert [each.tenant for each in without[7]] == [None, None]
    assert all(agents[1] == LOAD.agents[1] for agents in without[:7])


def test_all_together() -> None:
    load = LOAD
    for change in rules_of(LOAD).values():
        load = change(load)
    assert rules_of(load) == {}
    assert with_demand(load, "batch", lambda each: replace(each, rate_per_s=2.0)).agents[1].rate_per_s == 2.0
