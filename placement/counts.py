"""How likely each number of a loop's passes, and of a fan-out's items, is.

A graph states the mean and the most. Both follow the assumption of `placement.quantile`: after each pass or item there
is one more with the same probability, until the most; a fan-out has at least one item where its mean is 1 or more.
"""

from __future__ import annotations

from itertools import pairwise

from placement.problem import FanoutNode, LoopNode
from placement.quantile import continuation


def passes(node: LoopNode) -> tuple[float, ...]:
    """[n] the probability of n passes."""
    return _capped(node.minimum, node.expect, node.max_iters)


def items(node: FanoutNode) -> tuple[float, ...]:
    """[n] the probability of n items."""
    return _capped(1 if node.expect >= 1.0 else 0, node.expect, node.max_width)


def quantile(probabilities: tuple[float, ...], level: float) -> int:
    """The smallest n that is not exceeded with probability `level` or more."""
    below = 0.0
    for n, probability in enumerate(probabilities):
        below += probability
        if below >= level - 1e-12:
            return n
    return len(probabilities) - 1


def _capped(minimum: int, mean: float, most: int) -> tuple[float, ...]:
    q = continuation(mean - minimum, most - minimum)
    further = [q**k for k in range(most - minimum + 1)] + [0.0]
    return (0.0,) * minimum + tuple(k - more for k, more in pairwise(further))
