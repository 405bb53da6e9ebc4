"""Times of turns that find the KV of the turn before on a served engine, by the ratio that the step model gives.

As with kept prefixes no public serving states it, so nothing is fitted: what `step.py` says of the prompts of such
turns over the mean prompt read whole scales the calibrated prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from costmodel.points import Point
from costmodel.roofline import step_coefficients
from costmodel.step import Engine, chunked_prefill_s, closed_loop
from costmodel.turns import Turns, prompts


@dataclass(frozen=True, slots=True)
class TurnRatios:
    """Means over the turns, relative to the mean prompt read whole: a prompt alone, a first token, between tokens.

    `prompt_rms` is the root of the mean square of a prompt alone, since a first prompt takes longer than the others.
    """

    prompt: float
    first: float
    between: float
    prompt_rms: float


def turn_ratios(point: Point, turns: Turns, found: float) -> TurnRatios:
    """`point` has the mean prompt and answer of a turn; of the turns after the first a share `found` find their KV.

    One of `turns.expect` turns reads the first prompt whole, the others read what is new, or the whole of a longer
    prompt where they find nothing. Each sort is a closed loop of its own, and their mean is taken: what prompts add to
    a step is linear in how many there are, up to one chunk a step. Raises `CostError` where turns add more than there
    is.
    """
    sizes = prompts(turns, point.tokens_in, point.tokens_out)
    later = 1.0 - 1.0 / turns.expect
    kept = Engine(prefix_tokens=int(sizes.found))
    sorts = (
        (1.0 / turns.expect, Engine(), sizes.first),
        (later * found, kept, sizes.later),
        (later * (1.0 - found), Engine(), sizes.later),
    )
    coefficients = step_coefficients(point.model, point.device, point.tp, point.precision, point.kv)
    calls = point.tokens_out, point.concurrency
    whole_s = chunked_prefill_s(coefficients, Engine(), point.tokens_in)
    alone = [(share, chunked_prefill_s(coefficients, engine, tokens) / whole_s) for share, engine, tokens in sorts]
    loops = [(share, closed_loop(coefficients, engine, tokens, *calls)) for share, engine, tokens in sorts]
    plain = closed_loop(coefficients, Engine(), point.tokens_in, *calls)
    return TurnRatios(
        prompt=math.fsum(share * ratio for share, ratio in alone),
        first=math.fsum(share * loop.ttft_s for share, loop in loops) / plain.ttft_s,
        between=math.fsum(share * loop.tpot_s for share, loop in loops) / plain.tpot_s,
        prompt_rms=math.sqrt(math.fsum(share * ratio**2 for share, ratio in alone)),
    )
