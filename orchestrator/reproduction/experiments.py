"""Figures 8 and 9: all 36 pairs of devices under both service levels, as tables, CSV and drawings.

The paper prints bars without values, so what is compared are its findings; the numbers here are the roofline's.
"""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.pairs import LATENCY, tokens_per_usd, why_not
from costmodel.paper_devices import DEVICES, NAMES
from costmodel.phase import Workload
from costmodel.phase_search import Impossible, Setting
from orchestrator.reproduction import roofline_comparison
from orchestrator.reproduction.page import Data, Figure, Page, Table
from orchestrator.reproduction.scenario import BASIS, DECODE_HEAVY, PREFILL_HEAVY, Result, Scenario, study

SHOWN_COST_BASES = ("full", "operating")
SHOWN_FLOP_BASES = ("dense", "printed")
NAMED = (("h100", "gaudi3"), ("gaudi3", "gaudi3"), ("b200", "b200"), ("b200", "gaudi3"))
"""The pairs that the paper's findings speak of."""


def figure8() -> Page:
    """The decode-heavy half of the experiments."""
    return _page("figure8", "Figure 8", DECODE_HEAVY, "decode-heavy")


def figure9() -> Page:
    """The prefill-heavy half of the experiments."""
    return _page("figure9", "Figure 9", PREFILL_HEAVY, "prefill-heavy")


def of_load(scenario: Scenario, load: Workload) -> list[Result]:
    """The eight experiments of one workload."""
    return [result for result in study(scenario) if result.case.load == load]


def pair_name(pair: tuple[str, str]) -> str:
    """`A::B`: prefill on A, decode on B."""
    return f"{NAMES[pair[0]]}::{NAMES[pair[1]]}"


def _page(name: str, title: str, load: Workload, kind: str) -> Page:
    results = of_load(BASIS, load)
    infeasible = sum(36 - len(result.usd) for result in results)
    return Page(
        name,
        f"{title}: the {kind} experiments ({load} tokens)",
        (
            f"best pair, dense rates and full cost: {_bests(results)}",
            f"{infeasible} of {36 * len(results)} cells have no feasible batch, each with its reason below",
            roofline_comparison.summary(load),
        ),
        (
            _method(),
            Table(
                "The best pair and the pairs that the findings name",
                _NAMED_HEADER,
                tuple(_named_rows(load)),
                brief=True,
            ),
            Figure(
                f"Tokens per second and dollar over H100::H100, {load} tokens, dense rates, full cost", f"{name}.png"
            ),
            *roofline_comparison.tables(load),
            *(_matrix(result) for result in results),
            Table("Why a cell has no batch", ("case", "device", "reason"), tuple(_reasons(results))),
            Table("The settings found, dense rates", _SETTING_HEADER, tuple(_setting_rows(results))),
            Data("All 36 pairs on every cost and FLOP basis", f"{name}.csv", _CSV_HEADER, tuple(_csv_rows(load))),
        ),
    )


def _method() -> str:
    rules = BASIS.rules
    return (
        "Llama 3 with the shapes of `llama3.1-8b` and `llama3.1-70b` of the catalog, which are the same. "
        "`A::B` prefills on A and decodes on B. A number is tokens per second and dollar over those of H100::H100, "
        "whose best setting is 1. For each device the tensor and pipeline parallelism (up to "
        f"{rules.largest_group} devices, tensor parallelism within its scale-up domain) and the batch are searched for "
        "the fewest device-seconds a request (of equally good batches the smallest is shown); fleets are in balance, "
        "so that a request costs the sum of both phases. "
        f"Efficiencies: {rules.mfu:.0%} of FLOP/s, {rules.mbu:.0%} of bandwidth; linear layers and attention are "
        "rooflines of their own; KV in the weights' precision, attention's arithmetic in FP16; KV memory is kept for "
        f"whole outputs in {rules.margin:.0%} of memory. The latency SLA bounds the time to first token by "
        f"{LATENCY.ttft_s * 1e3:g} ms (prefill of the whole batch) and the mean time between tokens by "
        f"{LATENCY.tbt_s * 1e3:g} ms; the throughput SLA bounds nothing. "
        "These are predictions of a roofline, not measurements. The paper names figures 8 and 9 without saying in the "
        "facts at hand which workload is which: here 8 is 512/4096 and 9 is 4096/512."
    )


def _bests(results: list[Result]) -> str:
    names = dict[str, list[str]]()
    for result in results:
        _, model, precision, sla = result.key
        names.setdefault(_best(result), []).append(f"{model} {precision} {sla}")
    return "; ".join(f"{name} ({', '.join(where)})" for name, where in names.items())


def _best(result: Result) -> str:
    if not result.benefit:
        return "none: H100::H100 has no batch"
    return pair_name(max(result.benefit, key=lambda pair: result.benefit[pair]))


_NAMED_HEADER = ("FLOP", "cost", "model", "precision", "SLA", "best of 36", "benefit", *map(pair_name, NAMED))


def _named_rows(load: Workload) -> Iterator[tuple[str, ...]]:
    for flop_basis in SHOWN_FLOP_BASES:
        for cost_basis in SHOWN_COST_BASES:
            for result in of_load(Scenario("", flop_basis, cost_basis), load):
                named = (_benefit(result, pair) for pair in NAMED)
                most = max(result.benefit.values(), default=float("nan"))
                yield flop_basis, cost_basis, *result.key[1:], _best(result), f"{most:.2f}", *named


def _matrix(result: Result) -> Table:
    _, model, precision, sla = result.key
    rows = tuple((NAMES[a], *(_benefit(result, (a, b)) for b in DEVICES)) for a in DEVICES)
    header = ("prefill \\ decode", *(NAMES[each] for each in DEVICES))
    return Table(f"Llama 3 {model} {precision}, {sla} SLA", header, rows)


def _benefit(result: Result, pair: tuple[str, str]) -> str:
    return f"{result.benefit[pair]:.2f}" if pair in result.benefit else "no batch"


def _reasons(results: list[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        for settings in (result.phases.prefill, result.phases.decode):
            for id_, setting in settings.items():
                if isinstance(setting, Impossible):
                    yield " ".join(result.key[1:]), NAMES[id_], setting.reason


_SETTING_HEADER = (
    "model",
    "precision",
    "SLA",
    "device",
    "prefill TP x PP",
    "batch",
    "TTFT ms",
    "device-ms a request",
    "decode TP x PP",
    "batch per stage",
    "between tokens ms",
    "device-ms a request",
)


def _setting_rows(results: list[Result]) -> Iterator[tuple[str, ...]]:
    for result in results:
        for id_ in DEVICES:
            prefill, decode = result.phases.prefill[id_], result.phases.decode[id_]
            yield *result.key[1:], NAMES[id_], *_setting(prefill), *_setting(decode)


def _setting(setting: Setting | Impossible) -> tuple[str, ...]:
    if isinstance(setting, Impossible):
        return "no batch", "-", "-", "-"
    return (
        f"{setting.tp} x {setting.pp}",
        str(setting.batch),
        f"{setting.pass_s * 1e3:.1f}",
        f"{setting.device_s * 1e3:.1f}",
    )


_CSV_HEADER = ("flop", "cost", "model", "precision", "sla", "prefill", "decode", "benefit", "tokens_per_usd", "why_not")


def _csv_rows(load: Workload) -> Iterator[tuple[str, ...]]:
    for flop_basis in SHOWN_FLOP_BASES:
        for cost_basis in SHOWN_COST_BASES:
            for result in of_load(Scenario("", flop_basis, cost_basis), load):
                for a in DEVICES:
                    for b in DEVICES:
                        yield flop_basis, cost_basis, *result.key[1:], a, b, *_numbers(result, (a, b))


def _numbers(result: Result, pair: tuple[str, str]) -> tuple[str, ...]:
    if pair not in result.usd:
        return "", "", why_not(result.phases, pair)
    benefit = f"{result.benefit[pair]:.4f}" if pair in result.benefit else ""
    return benefit, f"{tokens_per_usd(result.case.load, result.usd[pair]):.6g}", ""
