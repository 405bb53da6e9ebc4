"""The accuracy page: targets that are met and missed, and every section from the figures that it is given."""

from costmodel.accuracy import VIEWS, Coverage, Off, Operators, Part, Report
from costmodel.accuracy_page import Target, page, targets
from costmodel.accuracy_unseen import BatchCoverage
from costmodel.engine_floor import Floor
from costmodel.measured import Left


def part(view: str, by: str, name: str, tpot: float, ttft: float) -> Part:
    return Part(view, by, name, {"tpot": Off(10, tpot, 0.01), "ttft": Off(10, ttft, -0.02)})


def found(tpot: float) -> Report:
    parts = [
        part(view, by, name, tpot, 0.3) for view, _ in VIEWS for by, name in (("all", "all"), ("device", "h100_sxm"))
    ]
    held_out = [part("", by, name, 0.14, 0.4) for by in ("device", "model") for name in ("one", "all")]
    layers = Operators({"all": Off(5, 0.05, 0.0)}, {"a40": Off(5, 0.06, 0.0)}, "")
    return Report(
        served_rows=10,
        left=(Left("file:3", "a reason"),),
        parts=tuple(parts),
        held_out=tuple(held_out),
        floors=((Floor("h100_sxm", 10, (0, 1), {"tpot": 0.08, "ttft": 0.1}), {"tpot": 0.09, "ttft": 0.11}),),
        coverage=(Coverage("device", "all", 10, {"tpot": 0.8, "ttft": 0.65}),),
        layers=layers,
        products={"products.csv": {"all": Off(7, 0.123, 0.0)}},
        prefills=layers,
        offline={"a100_40_sxm vLLM tp 1": (Off(19, 0.16, -0.16), 0.37, 0.9)},
        offline_left=5,
        unseen=tuple(
            BatchCoverage(by, name, True, 12, 0.75, 0.5)
            for by in ("device", "engine", "model")
            for name in ("vllm 2024", "all")
        ),
    )


def test_a_target_is_met_up_to_its_limit() -> None:
    assert Target("x", 0.1, 0.1).met
    assert not Target("x", 0.1, 0.1001).met


def test_targets_follow_from_the_figures() -> None:
    good, bad = ({each.what: each.met for each in targets(found(tpot))} for tpot in (0.05, 0.2))
    assert good["served TPOT, one global fit"]
    assert not bad["served TPOT, one global fit"]
    assert not good["served TTFT, device known"]
    assert good["served TPOT, device left out: one"]


def test_the_page_says_what_is_missed_and_why() -> None:
    text = page(found(0.2), [{"tool": "T", "method": "M", "what": "a|b", "error": "9 %", "source": "S"}])
    assert "| served TPOT, one global fit | 10% | 20.0% | **missed** |" in text
    assert "With the engine and its version it is 20.0%." in text
    assert "10 rows are used and 1 are not (a reason)" in text
    assert "| device | all | 10 | 80% | 65% |" in text
    assert "| h100_sxm | 10 | 2 | 8.0% | 9.0% | 10.0% | 11.0% |" in text
    assert "| T | M | a/b | 9 % | S |" in text
    assert "**Served data cover H100 and H200 only**" in text
    assert "| all | 7 | 12.3% | +0.0% |" in text
    assert "| a100_40_sxm vLLM tp 1 | 19 | 16.0% | -16.0% | 37% | 90% |" in text
    assert "| engine | vllm 2024 | served in other versions | 12 | 50% | 75% |" in text
    assert "75% are inside where" in text
    assert "5 rows have another model" in text
