"""`orchestrator plan`: the worked example as text and as JSON, explanations, and the document for `run`."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke
from placement.plan import Plan

FILE = "examples/worked_example.py"
FLEET = ("--fleet", "examples/fleets/hp-co.yaml")


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def shown(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    assert invoke(["plan", FILE, *FLEET, *arguments]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_the_table_and_the_lines_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, 0, "--sla", "120ms").splitlines()
    table = [" ".join(line.split()) for line in lines]
    assert "answer.prefill llm.prefill hp fp16 1 80 ms $0.08 none: no other plan keeps the limits" in table
    assert "answer.decode llm.decode co fp16 1 30 ms $0.01 hp/llama3.1-8b/tp1/fp16: $0.015 dearer" in table
    assert "SLA worst <= 120 ms: 120 ms, slack 0 s; critical path: answer.render -> answer.prefill" in "\n".join(lines)
    assert "latency: mean 120 ms, worst 120 ms" in lines
    assert "cost: $0.095 per run (metered)" in lines
    assert any(line.startswith("bound: $0.095, gap 0.00% (of: ") for line in lines)
    assert "transfer: answer.prefill -> answer.decode (kv): 10 ms, $0.005 each time" in lines
    assert any(line.startswith("assumption: metered cost") for line in lines)


def test_an_infeasible_sla_names_the_limit_and_the_best_achievable(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, 2, "--sla", "100ms")
    assert text.startswith("infeasible (sla): SLA worst 100 ms cannot be kept: the best achievable is 105 ms")


def test_an_infeasible_sla_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, 2, "--sla", "100ms", "--json"))
    assert document["feasible"] is False
    assert document["best_latency_s"] == pytest.approx(0.105)


def test_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, 0, "--json"))
    assert document["feasible"] is True
    assert document["sla"] == {"stat": "worst", "limit_s": 0.12}
    for field in ("latency_s", "latency_mean_s", "latency_worst_s", "cost_usd", "bound_usd", "gap"):
        assert isinstance(document[field], float), field
    assert {"cost_basis", "bound_scope", "critical_path", "operators"} <= set(document)
    for operator in document["operators"]:
        assert {"name", "op", "device", "latency_s", "cost_usd"} <= set(operator)


def test_a_soft_sla_may_be_missed_at_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    # All on CO: 160 ms, 60 ms above the limit, at $0.06 + 0.06 x 0.1 = $0.066: below $0.11 of the fastest.
    text = shown(capsys, 0, "--sla", "100ms", "--soft", "0.1")
    assert "SLA worst <= 100 ms: 160 ms, over by 60 ms (soft)" in text
    assert "cost: $0.06 per run (metered), and $0.006 of penalty for the time over the SLA\nbound: $0.066, gap" in text


def test_an_operator_is_explained_in_each_alternative(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, 0, "--explain", "answer.prefill")
    colocated, disaggregated, offload = text.split("\n\n")
    assert colocated.startswith("answer.prefill (colocated) (llm.prefill), 1 calls per run\nnot in the plan")
    assert offload.startswith("answer.prefill (attention_offload) (llm.prefill), 1 calls per run\nnot in the plan")
    taken = [line for line in disaggregated.splitlines() if line.startswith("->")]
    assert [line.split()[1] for line in taken] == ["hp"]
    assert {"hp", "co"} <= set(disaggregated.split())


def test_where_no_plan_keeps_the_limits_that_is_told_before_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, 2, "--sla", "1ms", "--explain", "answer.decode")
    assert text.startswith("infeasible (sla): SLA worst 1 ms cannot be kept")
    assert "answer.decode (colocated) (llm.decode), 1 calls per run" in text


def test_an_operator_is_explained_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(shown(capsys, 0, "--explain", "answer.decode", "--json"))
    colocated, disaggregated = (each for each in document["explain"] if "offload" not in each["operator"])
    verdicts = {each["pool"].partition("/")[0]: each for each in colocated["options"]}
    # Decode with the prefill on HP: $0.11 against $0.095. On CO 160 ms, 40 over the SLA.
    assert verdicts["hp"]["verdict"] == "dearer"
    assert verdicts["hp"]["more_usd"] == pytest.approx(0.015)
    assert verdicts["co"]["over_s"] == pytest.approx(0.040)
    assert disaggregated["critical"]
    assert "$0.015 a run dearer, all else placed anew" in shown(capsys, 0, "--explain", "answer.decode")


def test_the_price_of_a_second_between_110_and_120_ms(capsys: pytest.CaptureFixture[str]) -> None:
    # $0.11 on HP alone at 110 ms; $0.095 with decode on CO at 120 ms: $0.015 in 10 ms.
    text = shown(capsys, 0, "--sla", "110ms", "--explain", "limits")
    assert "the next cheaper plan takes 120 ms and saves $0.015, $1.5 a second" in text
    document = json.loads(shown(capsys, 0, "--sla", "110ms", "--explain", "limits", "--json"))
    (limit,) = document["limits"]
    assert (limit["step"], limit["saves_usd"]) == (pytest.approx(0.010), pytest.approx(0.015))
    assert {each["name"]: each["slack_s"] for each in document["operators"]}["answer.decode"] == pytest.approx(0.005)


def test_passes_on_request_plan_beside_the_default_ones(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = ("--fleet", "examples/fleets/mixed.yaml", "--sla", "60s", "--json")
    chunked = ["plan", FILE, *fleet, "--passes", "chunk-prefill{tokens=512}"]
    assert invoke(chunked) == 0
    after = json.loads(capsys.readouterr().out)
    assert invoke(chunked[:-2]) == 0
    before = json.loads(capsys.readouterr().out)
    took = [{each["name"]: each["latency_s"] for each in one["operators"]} for one in (before, after)]
    # a prompt of 1000 tokens is read in two steps: each has the engine's time and reads the weights
    assert took[1]["answer.prefill"] > took[0]["answer.prefill"]


def test_passes_that_placement_does_not_price_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", FILE, *FLEET, "--passes", "decompose-moe"]) == 1
    assert "chunk-prefill" in capsys.readouterr().err


def test_an_unknown_operator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", FILE, *FLEET, "--explain", "nobody"]) == 1
    assert "there is no operator 'nobody'; use one of answer.render, answer.prefill" in capsys.readouterr().err


def test_the_document_is_written_only_when_there_is_a_plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    shown(capsys, 2, "--sla", "100ms", "--out", str(out))
    assert not out.exists()
    shown(capsys, 0, "--out", str(out))
    assert Plan.model_validate_json(out.read_text()).agent == "worked_example"


def test_a_graph_document_is_planned_like_its_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert invoke(["graph", FILE]) == 0
    graph = tmp_path / "graph.json"
    graph.write_text(capsys.readouterr().out)
    assert invoke(["plan", str(graph), *FLEET, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost_usd"] == pytest.approx(0.095)


def test_a_graph_whose_code_is_elsewhere_says_so(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke(["graph", FILE]) == 0
    (tmp_path / "graph.json").write_text(capsys.readouterr().out)
    monkeypatch.chdir(tmp_path)
    assert invoke(["plan", "graph.json", "--fleet", str(project / FLEET[1])]) == 0
    assert f"note: {FILE} is not here, so its hash was not checked" in capsys.readouterr().out


def test_a_narrower_precision_is_offered_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    voice = ["plan", "examples/voice_agent.py", "--fleet", "examples/fleets/paper-2025.yaml", "--json"]
    found: dict[str, set[str]] = {}
    for offered in ("fp16", "fp16,fp8"):
        assert invoke([*voice, "--precision", offered]) == 0
        operators = json.loads(capsys.readouterr().out)["operators"]
        found[offered] = {each["precision"] for each in operators if each["precision"] is not None}
    assert found["fp16"] == {"fp16"}
    assert "fp8" in found["fp16,fp8"]


def test_an_unknown_precision_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", FILE, *FLEET, "--precision", "fp99"]) == 1
    assert "precision 'fp99'; use one of fp16" in capsys.readouterr().err


def test_the_cost_is_explained_by_term(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, 0, "--explain", "cost")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "worked_example on fleet hp-co: $0.095 per run"
    # the profile's costs, whole: 1,000 x 0.00008, 500 x 0.00002, 1,000 x 0.000005
    assert "answer.prefill hp 0.08 s $0.08 $0.08" in lines
    assert "answer.decode co 0.03 s $0.01 $0.01" in lines
    assert "transfers $0.005 $0.005" in lines
    assert "note: no energy is known of answer.render, answer.prefill, answer.decode, answer.parse" in lines


def test_the_terms_of_a_cost_add_up_and_energy_follows_from_device_time(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["plan", "examples/research_assistant.py", "--fleet", "examples/fleets/mixed.yaml"]
    assert invoke([*arguments, "--explain", "cost", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = document["operators"]
    assert sum(usd for row in rows for usd in row["usd"].values()) == pytest.approx(document["cost_usd"])
    for row in rows:
        price = document["prices"][row["device"]]
        assert row["usd"] == pytest.approx(
            {term: usd * row["device_s"] / 3600 for term, usd in price["terms"].items()}, rel=1e-6
        )
    decode = next(row for row in rows if row["name"] == "write_draft.decode")
    # a Gaudi 3 at its TDP of 900 W, PUE 1.54; 369 g a kWh
    assert decode["device"] == "gaudi3"
    assert decode["energy_j"] == pytest.approx(decode["device_s"] * 900 * 1.54)
    assert decode["operational_gco2e"] == pytest.approx(decode["energy_j"] / 3.6e6 * 369)
    assert decode["embodied_gco2e"] is None
