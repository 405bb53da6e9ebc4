"""Our pairs beside those of the reference's independent roofline, and which assumption explains where they differ.

Two programs that were written apart and agree are worth more than one; where they do not, one assumption is changed at
a time until they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from costmodel.collective import all_reduce_s
from costmodel.paper_devices import devices
from costmodel.phase import Assumptions, Workload
from orchestrator.reproduction.page import Table
from orchestrator.reproduction.scenario import BASIS, Key, Scenario, study

PAIRS = (("h100", "gaudi3"), ("gaudi3", "gaudi3"), ("b200", "b200"), ("b200", "gaudi3"))

_PUBLISHED: Mapping[tuple[str, str, str], tuple[tuple[float, float], ...]] = {
    ("512/4096", "8B", "FP16"): ((1.75, 1.82), (1.79, 1.86), (1.66, 1.60), (1.77, 1.84)),
    ("512/4096", "8B", "FP8"): ((1.61, 1.61), (1.62, 1.62), (1.58, 1.58), (1.63, 1.63)),
    ("512/4096", "70B", "FP16"): ((1.83, 1.95), (1.91, 2.06), (1.71, 1.62), (1.87, 2.01)),
    ("512/4096", "70B", "FP8"): ((1.55, 1.60), (1.57, 1.63), (1.70, 1.68), (1.58, 1.64)),
    ("4096/512", "8B", "FP16"): ((1.32, 1.32), (2.09, 2.10), (1.60, 1.58), (1.66, 1.66)),
    ("4096/512", "8B", "FP8"): ((1.29, 1.26), (1.57, 1.53), (1.59, 1.55), (1.63, 1.59)),
    ("4096/512", "70B", "FP16"): ((1.16, 1.19), (2.56, 2.40), (1.80, 1.57), (1.79, 1.65)),
    ("4096/512", "70B", "FP8"): ((1.14, 1.15), (1.56, 1.45), (1.97, 1.59), (1.95, 1.57)),
}
"""The reference's table: dense FLOPs, MFU 0.55, MBU 0.75, full cost; latency and throughput SLA of each of `PAIRS`."""

CLOSE = 0.03
"""Cells this near count as matched: the published values have two decimals, and the search is over whole batches."""

_BYTES_ONLY = replace(BASIS.rules, hop_share=0.0)
VARIANTS: Mapping[str, Assumptions] = {
    "basis": BASIS.rules,
    "all-reduces with half the latency": replace(BASIS.rules, hop_share=0.5),
    "all-reduces cost their bytes, no latency": _BYTES_ONLY,
    "bytes only, and attention in the weights' format": replace(_BYTES_ONLY, attention="weights"),
    "bytes only, and KV in FP16": replace(_BYTES_ONLY, kv_precision="fp16"),
    "bytes only, and KV memory for the mean context": replace(_BYTES_ONLY, reserved_share=0.5),
    "bytes only, and 80% of memory": replace(_BYTES_ONLY, margin=0.8),
}
"""Each is the basis with what its name says."""

MEASURED_S: Mapping[int, float] = {1_048_576: 15.0e-6, 4_194_304: 30.8e-6}
"""All-reduces over 8 H100 SXM by vLLM's kernel in CUDA graphs, by bytes: github:ai-dynamo/aiconfigurator, Apache-2.0.

Its sizes count 16-bit elements: only so are the largest at the NVLink's rate. A decode step of 64 and of 256 sequences
of Llama 3 70B exchanges as much each time.
"""

Cells = dict[tuple[Key, tuple[str, str]], float]


def published() -> Cells:
    """The reference's 64 cells by case and pair."""
    return {
        ((*case, sla), pair): value
        for case, row in _PUBLISHED.items()
        for pair, values in zip(PAIRS, row, strict=True)
        for sla, value in zip(("latency", "throughput"), values, strict=True)
    }


def ours(rules: Assumptions) -> Cells:
    """The same cells by our search on dense rates and full cost."""
    results = study(Scenario("", rules=rules))
    return {(result.key, pair): result.benefit[pair] for result in results for pair in PAIRS}


def differences(rules: Assumptions, load: Workload | None = None) -> Cells:
    """Ours over the reference's, less one, of one workload or of both."""
    found = ours(rules)
    return {
        cell: found[cell] / value - 1 for cell, value in published().items() if load is None or cell[0][0] == str(load)
    }


def summary(load: Workload) -> str:
    """How near the basis comes, and the variant that charges all-reduces by their bytes."""
    basis, bytes_only = (differences(rules, load) for rules in (BASIS.rules, _BYTES_ONLY))
    return (
        f"beside the reference's independent roofline {_closeness(basis)}; where all-reduces cost their bytes and no "
        f"latency {_closeness(bytes_only)}"
    )


def tables(load: Workload) -> tuple[str | Table, ...]:
    """The cells of a workload, and how near each variant comes."""
    return (
        "The reference gives 64 cells of an independent roofline on the same efficiencies. Its program is not at hand, "
        "so what it assumes beyond them is inferred from the variants below: the latency of the hops of an all-reduce "
        "is what separates most cells (14 hops at TP 8, twice a layer), and it tells most where a step is short and "
        "the group large, as 70B under the latency SLA. What is left after it has no one explanation. " + _measured(),
        Table(
            "Against the independent roofline",
            ("model", "precision", "SLA", "pair", "roofline", "ours", "difference", "no hop latency", "difference"),
            tuple(_rows(load)),
        ),
        Table(
            "How near each variant comes, this workload",
            ("variant", "mean difference", "largest", f"within {CLOSE:.0%}"),
            tuple((name, *_measures(differences(rules, load))) for name, rules in VARIANTS.items()),
            brief=True,
        ),
    )


def _measured() -> str:
    """How the two ways to count an all-reduce stand to measurements."""
    h100 = devices("dense")["h100"]
    said = list[str]()
    for size, measured_s in MEASURED_S.items():
        full, bare = (
            all_reduce_s(size, 8, h100.scaleup_bytes_per_s, latency_s) for latency_s in (h100.scaleup_latency_s, 0.0)
        )
        said.append(
            f"{size / 2**20:g} MiB took {measured_s * 1e6:.1f} us, where the formula gives {full * 1e6:.1f} us with "
            f"latency and {bare * 1e6:.1f} us without"
        )
    return f"Measurements on 8 H100 (vLLM's kernel, data of ai-dynamo/aiconfigurator) lie between: {'; '.join(said)}."


def _rows(load: Workload) -> list[tuple[str, ...]]:
    reference, basis, bytes_only = published(), ours(BASIS.rules), ours(_BYTES_ONLY)
    return [
        (
            *case[1:],
            "::".join(pair),
            f"{reference[case, pair]:.2f}",
            *(
                text
                for found in (basis, bytes_only)
                for text in (f"{found[case, pair]:.2f}", f"{found[case, pair] / reference[case, pair] - 1:+.1%}")
            ),
        )
        for case, pair in reference
        if case[0] == str(load)
    ]


def _measures(cells: Cells) -> tuple[str, str, str]:
    sizes = [abs(each) for each in cells.values()]
    near = sum(size <= CLOSE for size in sizes)
    return f"{sum(sizes) / len(sizes):.1%}", f"{max(sizes):.1%}", f"{near} of {len(sizes)}"


def _closeness(cells: Cells) -> str:
    mean, largest, near = _measures(cells)
    return f"{near} cells are within {CLOSE:.0%} (mean {mean}, largest {largest})"
