"""When a reader of a stream ends that begins at the first item, rather than after the last.

Derivation. Of n items the first is there at time a and the last at b, evenly spaced; the reader takes T for all, T / n
each, one after another. Item k of 1..n is there at a + (k - 1) (b - a) / (n - 1), and from the item at which the reader
last had to wait it works without a pause, so that it ends at

    max over k of (a + (k - 1) (b - a) / (n - 1) + (n - k + 1) T / n)

which is linear in k and so largest at an end: max(a + T, b + T / n). A reader that waits for the whole ends at b + T.
"""

from __future__ import annotations

from costmodel.errors import CostError


def streamed_end_s(first_s: float, last_s: float, reader_s: float, items: float) -> float:
    """Seconds at which a reader of `items` items ends: at most `last_s + reader_s`, its end without streaming.

    Raises `CostError` for times out of order or fewer items than 1.
    """
    if not (0 <= first_s <= last_s < float("inf") and 0 <= reader_s < float("inf") and items >= 1):
        raise CostError(
            "a stream of at least 1 item has its first no later than its last, and its reader takes a finite time; "
            f"got first_s={first_s!r}, last_s={last_s!r}, reader_s={reader_s!r}, items={items!r}"
        )
    return max(first_s + reader_s, last_s + reader_s / items)
