"""Work and time of the prefills of a react whose turns find the KV of the turn before, on average over the turns.

The prompt of a turn is that of the turn before, its answer and what a tool said. Prefill and decode have left the KV of
the first two, so that only the tool's words are new (as Zheng et al. 2024, "SGLang", keep them between turns).
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.estimate import estimate_llm
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, prefill_work
from costmodel.models import Model
from costmodel.prefix import estimate_rest, rest_kv_bytes, rest_work
from costmodel.roofline import Estimate
from costmodel.spyre import is_spyre
from costmodel.work import Work


@dataclass(frozen=True, slots=True)
class Turns:
    """Of the turns of a react: `expect` of them on average, and between two of them `tool_tokens` of a tool."""

    expect: float
    tool_tokens: float


@dataclass(frozen=True, slots=True)
class Prompts:
    """Mean tokens: `first` of the first turn's prompt, `later` of a later one, of which `found` have their KV."""

    first: float
    later: float
    found: float


def prompts(turns: Turns, tokens_in: float, tokens_out: float) -> Prompts:
    """The prompts of turns whose mean prompt has `tokens_in` and whose answers have `tokens_out` tokens.

    A turn adds g = tokens_out + tool_tokens, so that the mean prompt is first + (expect - 1) / 2 x g, and that of a
    later turn first + expect / 2 x g, with at least one turn before it. At least one token is new: it gives the first
    of the answer. Raises `CostError` where the turns add more than there is.
    """
    grown = tokens_out + turns.tool_tokens
    first = tokens_in - (turns.expect - 1) / 2 * grown
    if first < 1:
        raise CostError(
            f"{turns.expect:g} turns that add {grown:g} tokens each do not have {tokens_in:g} tokens on average; "
            "correct tokens_in=, tokens_out= or expect="
        )
    later = first + max(1.0, turns.expect / 2) * grown
    return Prompts(first, later, later - max(1.0, turns.tool_tokens))


def turn_work(
    model: Model, turns: Turns, tokens_in: float, tokens_out: float, *, weight_precision: str = "fp16"
) -> Work:
    """Mean work of a turn's prefill: one of the whole prompt, and those of what is new in later ones.

    `expect` times it is the sum over the turns: attention over what is new grows by as much in each turn. (With a
    sliding window it grows by less once the window is full; the mean is then a little too high.)
    """
    sizes = prompts(turns, tokens_in, tokens_out)
    first = prefill_work(model, sizes.first, weight_precision=weight_precision)
    later = rest_work(model, sizes.later, sizes.found, weight_precision=weight_precision)
    return first.scaled(1 / turns.expect) + later.scaled(1 - 1 / turns.expect)


def turn_kv_bytes(model: Model, turns: Turns, tokens_in: float, tokens_out: float) -> float:
    """Mean bytes that a turn's prefill adds to the KV that it finds."""
    sizes = prompts(turns, tokens_in, tokens_out)
    later = rest_kv_bytes(model, sizes.later, sizes.found)
    return kv_bytes(model, sizes.first) / turns.expect + later * (1 - 1 / turns.expect)


def estimate_turn(
    model: Model, device: Device, tp: int, precision: str, turns: Turns, *, tokens_in: float, tokens_out: float
) -> Estimate:
    """Predicted mean time of a turn's prefill. Raises `CostError` where the devices cannot, or no rule says."""
    if is_spyre(device.id):
        raise CostError(f"no rule says that {device.id} keeps KV between calls")
    sizes = prompts(turns, tokens_in, tokens_out)
    first = estimate_llm(model, "prefill", device, tp, precision, 1, sizes.first, tokens_out)
    later = estimate_rest(model, device, tp, precision, tokens_in=sizes.later, prefix_tokens=sizes.found)
    share = 1 / turns.expect
    terms = {name: share * first.terms[name] + (1 - share) * later.terms[name] for name in first.terms}
    return Estimate(
        share * first.latency_s + (1 - share) * later.latency_s,
        terms,
        max(terms, key=lambda name: terms[name]),
        tuple(dict.fromkeys((*first.notes, *later.notes))),
    )
