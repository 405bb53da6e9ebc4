"""Identifiers of plans and runs: a prefix that says what it names, then a ULID.

A ULID begins with the time, so identifiers sort by creation in any store, and needs no counter that processes share.
"""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as the ULID specification asks (github.com/ulid/spec): no I, L, O, U."""

_TEXT_LENGTH = 26
_RANDOM_BITS = 80
_TIME_BITS = 48


def new_id(prefix: str) -> str:
    """A new identifier such as `run_01JD5Z3KQ8W6V1N4T7R2M9X0YB`."""
    return f"{prefix}_{ulid(time.time_ns() // 1_000_000, secrets.randbits(_RANDOM_BITS))}"


def ulid(time_ms: int, random: int) -> str:
    """26 characters of 48 bits of Unix time in milliseconds and 80 random bits, the most significant first."""
    if not 0 <= time_ms < 1 << _TIME_BITS:
        raise ValueError(f"a ULID holds 48 bits of milliseconds, got {time_ms}")
    if not 0 <= random < 1 << _RANDOM_BITS:
        raise ValueError(f"a ULID holds 80 random bits, got {random}")
    value = time_ms << _RANDOM_BITS | random
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(_TEXT_LENGTH)))
