"""Writes `docs/accuracy.md` from a folder of measurements: `python -m costmodel.accuracy_page FOLDER PAGE`.

The page states each target with what was reached, and where one is missed the reason; nothing on it is typed by hand
but those reasons.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from costmodel.accuracy import CLAIMS, LAYERS, OFFLINE, PREFILLS, SERVED, Coverage, Off, Part, Report, report
from costmodel.accuracy_unseen import BatchCoverage
from costmodel.calibration import Quantity


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked and what was reached, in shares; `why` explains a miss."""

    what: str
    limit: float
    reached: float
    why: str = ""

    @property
    def met(self) -> bool:
        """True when the error is within the limit."""
        return self.reached <= self.limit


ENGINES = (
    "Engines on the same model, device and precision differ by more than this (SGLang 0.5.1 reads all prompts that "
    "arrive together before it decodes, so that half of each prefill falls before the first token; vLLM mixes them "
    "into decode steps), and a prediction that does not know the engine lies between them: 'What the engine alone "
    "makes' says how near it can be. With the engine and its version it is {told}."
)
LOCKSTEP = (
    "It depends on the engine's order of work and on how the load generator sends prompts, which are no inputs: with "
    "equal answer lengths callers stay in lockstep and their prompts queue behind each other. With the engine and its "
    "version it is {told}."
)
SOURCE = (
    "All servings of Llama 3.1 70B are from another source (its load generator, its engine versions) than those of the "
    "other models, so that model and source are left out together."
)


def targets(found: Report) -> tuple[Target, ...]:
    """Each target on served and single-operator data, with what was reached."""
    told = "engine and version known"
    devices = [each.name for each in found.parts if each.view == told and each.by == "device"]
    per_device = [
        Target(
            f"served TPOT of {device}, fitted to the device",
            0.08,
            _mape(found.parts, "device known", "device", device, "tpot"),
            ENGINES.format(told=f"{_mape(found.parts, told, 'device', device, 'tpot'):.1%}"),
        )
        for device in devices
    ]
    told_devices = [
        Target(
            f"served TPOT of {device}, engine and version known",
            0.08,
            _mape(found.parts, told, "device", device, "tpot"),
        )
        for device in devices
    ]
    return (
        Target("served TPOT, one global fit", 0.10, _mape(found.parts, "one global fit", "all", "all", "tpot")),
        *per_device,
        *told_devices,
        Target(
            "served TTFT, device known",
            0.25,
            _mape(found.parts, "device known", "all", "all", "ttft"),
            LOCKSTEP.format(told=f"{_mape(found.parts, told, 'all', 'all', 'ttft'):.1%}"),
        ),
        Target(
            "served TTFT, engine and version known", 0.25, _mape(found.parts, told, "all", "all", "ttft"), "See below."
        ),
        Target("per-layer linear operators", 0.10, found.layers.fitted["all"].mape),
        Target("prefill of splitwise", 0.12, found.prefills.fitted["all"].mape),
        Target("served TPOT, device left out", 0.15, _mape(found.held_out, "", "device", "all", "tpot")),
        Target("served TPOT, model left out", 0.15, _mape(found.held_out, "", "model", "all", "tpot")),
        *(
            Target(
                f"served TPOT, {each.by} left out: {each.name}",
                0.15,
                each.off["tpot"].mape,
                SOURCE if "70b" in each.name else "",
            )
            for each in found.held_out
            if each.by in {"device", "model"} and each.name != "all"
        ),
    )


def page(found: Report, claims: Sequence[Mapping[str, str]]) -> str:
    """The page as Markdown."""
    sections = (
        _INTRODUCTION,
        "## Targets",
        _table(
            ("target", "limit", "reached", "", "why"),
            (
                (each.what, f"{each.limit:.0%}", f"{each.reached:.1%}", "met" if each.met else "**missed**", _why(each))
                for each in targets(found)
            ),
        ),
        "## Served points, in sample",
        _SERVED.format(rows=found.served_rows, left=len(found.left), reasons=_reasons(found)),
        *(_in_sample(found.parts, view) for view in dict.fromkeys(each.view for each in found.parts)),
        "## What the engine alone makes",
        _FLOORS,
        _floors_table(found),
        "## Served points, left out of the fit",
        _LEFT_OUT,
        _parts_table(found.held_out, "left out"),
        "## Intervals",
        _INTERVALS,
        _coverage_table(found.coverage),
        "## Single layers",
        f"`{LAYERS}`: four products, norms, rotation, activation and additions of one layer, 16 bits; `layer_time` "
        "with seven coefficients for all devices, models and degrees.",
        _off_table("fitted to all", found.layers.fitted),
        _off_table("left out", found.layers.left_out),
        "## Single products, never fitted",
        _PRODUCTS,
        *(_off_table(f"`{name}`", each) for name, each in found.products.items()),
        "## Prefill",
        f"`{PREFILLS}`: prefill of Llama 2 70B; the layers' coefficients of the table above, and three more. "
        f"{found.prefills.note} Its decode is bound by the host's software of 2023, and no bandwidth is fitted to it.",
        _off_table("fitted to all", found.prefills.fitted),
        _off_table("left out", found.prefills.left_out),
        "## Offline batches, never fitted",
        _OFFLINE.format(left=found.offline_left),
        _offline_table(found.offline),
        "### Intervals that have not seen them",
        _unseen_text(found.unseen),
        _unseen_table(found.unseen),
        "## What others claim",
        _CLAIMS,
        _table(
            ("tool", "method", "what", "error", "source"),
            ((row["tool"], row["method"], row["what"], row["error"], row["source"]) for row in claims),
        ),
    )
    return "\n\n".join(sections) + "\n"


_INTRODUCTION = """# How accurate the cost model is

Written by `make accuracy DATA=path`, where the folder holds the public measurements named below. MAPE is the mean of
|predicted / measured - 1| over rows, bias the mean of predicted / measured - 1. TPOT is the time between tokens after
the first, TTFT the time to the first token, both as callers of a served model see them.

**Served data cover H100 and H200 only**, with Llama 3.1 8B and 70B and Qwen3 32B in FP8 and 16 bits. For any other
device a prediction is an extrapolation by datasheet: it is flagged, and its interval is the wider one of devices that
were left out, with the milliseconds that engines of 2024 take more for a step on top; half as wide again (factors as
logarithms) where nothing of the vendor was measured."""

_SERVED = f"""`{SERVED}`: {{rows}} rows are used and {{left}} are not ({{reasons}}).
`predict` knows the device and, where it is told, the engine."""

_FLOORS = """Where several engines measured the same device, model, precision, degree, lengths and callers, a prediction
that does not know the engine gives all of them one number. "At best" is the error of the best such number for each
point, chosen with hindsight: no formula, however fitted, is nearer on these rows without knowing the engine."""

_LEFT_OUT = """Each group is predicted by a fit to all others; predictions do not know the engine. A device that is left
out has no coefficients of its own and takes those for any."""

_INTERVALS = """An interval is to hold 80 % of measurements. Coefficients and intervals are made without the group that
they are judged on. Between 70 % and 90 % is honest; below, the interval says too much, above too little. An engine that
is left out is named to the prediction, which then takes the interval for unknown engines. "Batches" are the offline
ones of a section below: no coefficient is fitted to them, and the intervals have not seen those of the group; on
devices they are of engines that were served, and not named. Each device under each version of an engine counts alike in
these intervals. Batches have no time to the first token, so that with a single device left to fit to, how far the first
token of another may lie is an assumption: the H200's comes sooner than an H100 lets expect."""

_PRODUCTS = """Matrix products in 16 bits under the coefficients that were fitted to the layers above: other software,
other people, and devices that the fit has not seen. No target was set; the tables say how far the formula carries."""

_OFFLINE = f"""`{OFFLINE}` (LLM-Inference-Bench, published in 2024): whole batches of Llama 3 8B and 70B in 16
bits, every prompt sent at once, so that the time is that of the last token. No coefficient has seen them, nor an A100,
which is taken as the one of 40 GB as the file does not say. vLLM and TensorRT-LLM of that time are predicted too fast,
most where devices share the model: by one to three milliseconds of each step, on the A100 as on the H100, so that it is
time of the host and the greater a share the faster the device. "Inside" is the share in the shipped 80 % interval of
the time between tokens, without the engine's name and with it (`--engine "vllm 2024"`): the intervals of devices,
versions and engines that were not served are learnt from these batches together with the servings that were left out.
Without a name `predict` expects an engine as old as those that were served, so **who runs an older one must name it**.
{{left}} rows have another model, or more than fits at once."""

_UNSEEN = """Here a part of the batches is left out of the intervals, which are then judged on it, under versions of
2024 of engines that were served: {devices} are inside where the intervals have learnt from the other device's batches,
{engines} where they have from the other engine's (of vLLM's alone {vllm}, as TensorRT-LLM's host took half as long),
and {models} where they have from the other model's, as devices that share a small model lose most to the host. How far
an engine is off that nobody served cannot be learnt from one other."""

_CLAIMS = """Not measured here: what their authors say, on data of their own. Figures of ours stand above. Rows named
OWN QUICK CHECK are of those who compiled the list, not of this project: they speak of B200, which the file of servings
at hand does not have."""


def _in_sample(parts: Iterable[Part], view: str) -> str:
    chosen = [each for each in parts if each.view == view]
    return f"### {view[0].upper()}{view[1:]}\n\n{_parts_table(chosen, 'by')}"


def _parts_table(parts: Iterable[Part], first: str) -> str:
    rows = (
        (each.by, each.name, str(each.off["tpot"].rows), *_off(each.off["tpot"]), *_off(each.off["ttft"]))
        for each in parts
    )
    return _table((first, "", "rows", "TPOT MAPE", "bias", "TTFT MAPE", "bias"), rows)


def _coverage_table(found: Iterable[Coverage]) -> str:
    rows = (
        (each.left_out, each.name, str(each.rows), *(_share(each.inside.get(of)) for of in ("tpot", "ttft")))
        for each in found
    )
    return _table(("left out", "", "rows", "TPOT inside", "TTFT inside"), rows)


def _floors_table(found: Report) -> str:
    shown: tuple[Quantity, ...] = ("tpot", "ttft")
    rows = (
        (
            floor.device,
            str(floor.of),
            str(len(floor.shared)),
            *(f"{each[quantity]:.1%}" for quantity in shown for each in (floor.least, ours)),
        )
        for floor, ours in found.floors
    )
    return _table(("device", "rows", "of several engines", "TPOT at best", "ours", "TTFT at best", "ours"), rows)


def _off_table(title: str, found: Mapping[str, Off]) -> str:
    rows = ((name, str(each.rows), *_off(each)) for name, each in found.items())
    return _table((title, "rows", "MAPE", "bias"), rows)


def _offline_table(found: Mapping[str, tuple[Off, float, float]]) -> str:
    rows = (
        (name, str(each.rows), *_off(each), _share(untold), _share(told))
        for name, (each, untold, told) in found.items()
    )
    return _table(("device, software, devices", "rows", "MAPE", "bias", "inside", "inside, engine named"), rows)


def _unseen_text(found: Iterable[BatchCoverage]) -> str:
    told = {(each.left_out, each.name): _share(each.told) for each in found if each.served}
    alls = {f"{by}s": told[by, "all"] for by in ("device", "engine", "model")}
    return _UNSEEN.format(**alls, vllm=told["engine", "vllm 2024"])


def _unseen_table(found: Iterable[BatchCoverage]) -> str:
    rows = (
        (
            each.left_out,
            each.name,
            "served in other versions" if each.served else "never served",
            str(each.rows),
            _share(each.untold),
            _share(each.told),
        )
        for each in found
    )
    return _table(("left out", "", "engines", "rows", "inside", "inside, engine named"), rows)


def _share(of: float | None) -> str:
    return "" if of is None else f"{of:.0%}"


def _off(of: Off) -> tuple[str, str]:
    return f"{of.mape:.1%}", f"{of.bias:+.1%}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _why(target: Target) -> str:
    return "" if target.met else target.why


def _reasons(found: Report) -> str:
    return "; ".join(dict.fromkeys(each.reason for each in found.left))


def _mape(parts: Iterable[Part], view: str, by: str, name: str, quantity: Quantity) -> float:
    return next(each.off[quantity].mape for each in parts if (each.view, each.by, each.name) == (view, by, name))


def main() -> None:
    """Reads the folder and writes the page."""
    folder, path = Path(sys.argv[1]), Path(sys.argv[2])
    with (folder / CLAIMS).open(encoding="utf-8", newline="") as lines:
        claims = list(csv.DictReader(lines))
    path.write_text(page(report(folder), claims), encoding="utf-8")


if __name__ == "__main__":
    main()
