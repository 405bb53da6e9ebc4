"""What a device draws while it serves a language model, as a share of its TDP.

A line in the binary logarithm of the batch, fitted by least squares to 40 runs of 7B and 8B models on one A100 or H100
(llm-inference-bench, BSD-3 licence, three engines, 1,024 tokens in and out, batches of 1 to 64): 9.4 % mean error.
Nothing else was measured, so for other devices and models the share is an assumption.
"""

from __future__ import annotations

import math

SHARE_OF_ONE = 0.56
SHARE_OF_A_DOUBLING = 0.037
"""Share of TDP with one sequence, and what each doubling of the batch adds."""

LOW, HIGH = 0.83, 1.20
"""Between these multiples of the line are 80 % of the runs that it was fitted to."""


def serving_share(batch: float) -> float:
    """Power of a serving device as a share of its TDP, at most 1; fewer than one sequence count as one."""
    return min(1.0, SHARE_OF_ONE + SHARE_OF_A_DOUBLING * math.log2(max(1.0, batch)))


def serving_w(tdp_w: float, batch: float) -> tuple[float, float, float]:
    """Watts of one device: the line's value and the ends of its interval, none above the TDP."""
    share = serving_share(batch)
    return tdp_w * share, tdp_w * share * LOW, tdp_w * min(1.0, share * HIGH)
