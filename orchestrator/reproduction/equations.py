"""Equations 1 to 3 (section 5.2) and the claim that 200 to 400 Gbps is enough for Llama up to 32K tokens.

The answer depends on how many devices share the transfer and on the times that it must keep up with, so each reading
of the equations is a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from costmodel.kv_network import egress_bytes_per_s, ingress_bytes_per_s, kv_bytes
from costmodel.models import Model, load_models
from costmodel.pairs import LATENCY
from costmodel.paper_devices import NAMES, devices
from costmodel.parallel import tensor_parallel_degrees
from costmodel.phase import Assumptions, Serving, Workload, largest_batch
from costmodel.phase_search import setting_of
from orchestrator.reproduction.page import Page, Table
from orchestrator.reproduction.verdict import Verdict

MODELS = ("llama3.1-8b", "llama3.1-70b", "llama3.1-405b")
PRECISIONS = ("fp16", "fp8")
TOKENS = (512, 4096, 8192, 16384, 32768)
GBPS = (200, 400)
CHASSIS = 8
TOKENS_OUT = 512

ONE = "at the limits, 1 device"
EIGHT = "at the limits, 8 devices"
PREDICTED = "at predicted times, 8 devices"
STEADY = "steady flow, 8 devices"
READINGS = {
    ONE: "TTFT 250 ms and 20 ms between tokens, one device sends and one receives, one request",
    EIGHT: "the same, a chassis of 8 sends to a chassis of 8",
    PREDICTED: "TTFT and token time that the roofline predicts for one request on 8 devices, the fastest of the six",
    STEADY: f"egress as predicted; ingress of a full decode batch whose sequences end after {TOKENS_OUT} tokens and "
    "are replaced, the highest of the six devices",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Rates in bytes/s of one reading for one KV cache."""

    egress: float
    ingress: float

    @property
    def gbps(self) -> float:
        """The larger of both, in Gbit/s."""
        return max(self.egress, self.ingress) * 8 / 1e9


def needs(model: Model, precision: str, tokens_in: int) -> dict[str, Need]:
    """What each reading asks of one device's network card."""
    size = kv_bytes(model, tokens_in, 1, precision)
    found = {
        name: Need(egress_bytes_per_s(size, LATENCY.ttft_s, count), ingress_bytes_per_s(size, LATENCY.tbt_s, count))
        for name, count in ((ONE, 1), (EIGHT, CHASSIS))
    }
    predicted = [each for each in (_predicted(model, precision, tokens_in, id_) for id_ in NAMES) if each]
    if predicted:
        egress = max(egress_bytes_per_s(size, ttft_s, CHASSIS) for ttft_s, _, _ in predicted)
        found[PREDICTED] = Need(egress, max(ingress_bytes_per_s(size, tbt_s, CHASSIS) for _, tbt_s, _ in predicted))
        steady = max(size * per_s / CHASSIS for _, _, per_s in predicted)
        found[STEADY] = Need(egress, steady)
    return found


@cache
def _predicted(model: Model, precision: str, tokens_in: int, device_id: str) -> tuple[float, float, float] | None:
    """TTFT and token time of one request on a chassis, and requests/s that a full decode chassis takes in."""
    device = devices("dense")[device_id]
    tp = tensor_parallel_degrees(model, device, CHASSIS)[-1]
    serving = Serving(model, precision, device, tp, CHASSIS // tp, Assumptions())
    load = Workload(tokens_in, TOKENS_OUT)
    most = largest_batch(serving, "decode", load)
    if most < 1:
        return None
    prefill, decode = setting_of(serving, "prefill", load, 1), setting_of(serving, "decode", load, 1)
    full = setting_of(serving, "decode", load, most)
    return prefill.pass_s, decode.pass_s, CHASSIS / full.device_s


def longest(gbps: int, reading: str) -> dict[tuple[str, str], int]:
    """By model and precision, the most tokens up to which this rate is enough; 0 where it never is."""
    found = dict[tuple[str, str], int]()
    for model, precision, tokens in _every():
        need = needs(load_models().model(model), precision, tokens).get(reading)
        before = found.setdefault((model, precision), 0)
        shorter = max((each for each in TOKENS if each < tokens), default=0)
        if need is not None and need.gbps <= gbps and before == shorter:
            found[model, precision] = tokens
    return found


def claim(gbps: int, reading: str) -> Verdict:
    """Whether this rate is enough up to the longest input for every model and precision in this reading."""
    found = longest(gbps, reading)
    enough, least = sum(tokens == TOKENS[-1] for tokens in found.values()), min(found.values())
    word = "holds" if enough == len(found) else f"holds up to {least} tokens only" if least else "does not hold"
    return Verdict(word, enough, len(found))


def _every() -> Iterator[tuple[str, str, int]]:
    return ((model, precision, tokens) for model in MODELS for precision in PRECISIONS for tokens in TOKENS)


def page() -> Page:
    """The equations' page."""
    found = {(gbps, reading): claim(gbps, reading) for gbps in GBPS for reading in READINGS}
    return Page(
        "equations",
        "Equations 1 to 3: the network between prefill and decode",
        tuple(
            f"{gbps} Gbps is enough up to {TOKENS[-1]} tokens, {reading}: {verdict} models and precisions"
            for (gbps, reading), verdict in found.items()
        ),
        (
            "1. `BW_egress = KV / (TTFT x N_prefill)`: what each prefill device sends.\n"
            "2. `BW_ingress = KV / (TBT x N_decode)`: what each decode device receives.\n"
            "3. `KV = 2 x layers x d_model x (kv_heads / heads) x tokens x batch x bytes`.\n\n"
            "Equation 2 asks that a whole KV arrives within one token time, which is the strictest reading: the "
            "transfer delays the second token only, and may overlap prefill layer by layer. Readings: "
            + "; ".join(f"*{name}*: {meaning}" for name, meaning in READINGS.items())
            + ". A chassis whose memory does not hold the model and one sequence is left out.",
            Table(
                "Equation 3: KV of one request, and how much later the second token comes if nothing overlaps",
                ("model", "precision", "tokens", "KV GB", *(f"ms over {CHASSIS} x {gbps} Gbps" for gbps in GBPS)),
                tuple(_sizes()),
            ),
            Table(
                "Equations 1 and 2: Gbit/s of each device (egress / ingress)",
                ("model", "precision", "tokens", *READINGS),
                tuple(_rates()),
                csv="equations.csv",
            ),
            Table(
                "The most input tokens for which a rate is enough",
                (
                    "Gbps",
                    "reading",
                    *(f"{_short(model)} {precision.upper()}" for model in MODELS for precision in PRECISIONS),
                ),
                tuple(
                    (str(gbps), reading, *(str(tokens or "none") for tokens in longest(gbps, reading).values()))
                    for gbps, reading in found
                ),
                brief=True,
            ),
        ),
    )


def _sizes() -> Iterator[tuple[str, ...]]:
    for model, precision, tokens in _every():
        size = kv_bytes(load_models().model(model), tokens, 1, precision)
        delays = (f"{size * 8 / (gbps * 1e9 * CHASSIS) * 1e3:.3g}" for gbps in GBPS)
        yield _short(model), precision.upper(), str(tokens), f"{size / 1e9:.4g}", *delays


def _rates() -> Iterator[tuple[str, ...]]:
    for model, precision, tokens in _every():
        found = needs(load_models().model(model), precision, tokens)
        cells = (_both(found[name]) if name in found else "does not fit" for name in READINGS)
        yield _short(model), precision.upper(), str(tokens), *cells


def _short(model: str) -> str:
    return model.removeprefix("llama3.1-").upper()


def _both(need: Need) -> str:
    return f"{need.egress * 8 / 1e9:.4g} / {need.ingress * 8 / 1e9:.4g}"
