"""Models that take turns on a device where they do not fit together: one is loaded, the others wait in host memory.

Under light load a device for each model is mostly idle; a call that finds another model there pays for loading its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from costmodel.errors import CostError
from costmodel.fleet import DeviceClass
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, weight_bytes
from costmodel.loading import load_s
from costmodel.memory import MARGIN
from costmodel.models import Model
from costmodel.parallel import tensor_parallel_degrees
from costmodel.roofline import kv_shards
from costmodel.spyre import is_spyre
from placement.packs import sets_of
from placement.pricing import Pricing
from placement.problem import Pool
from placement.shared_problem import Loading
from placement.transfers import KV_PRECISION
from placement.ways import RUN, SERVE, Asked, Way, kept_tokens

MOST_MODELS = 3
RAREST = 4
"""Models among which sets across agents are formed: those that are called least."""

MOST_SETS = 8


@dataclass(frozen=True, slots=True)
class Turns:
    """A pool whose models are loaded by turns, and the seconds to load each."""

    pool: Pool
    loads_s: Mapping[str, float]

    def note(self) -> str:
        """What is assumed of it."""
        loads = ", ".join(f"{model} {seconds:.3g} s" for model, seconds in self.loads_s.items())
        return (
            f"on {self.pool.device} {' and '.join(self.loads_s)} take turns: all weights wait in the host's memory, "
            f"and a call that finds another model loads its own ({loads})"
        )


def takes_turns(pool: Pool) -> bool:
    """Whether the models of a pool take turns."""
    return "turns" in pool.id.split("/")


def turns(agents: Sequence[Sequence[Asked]], calls_per_s: Mapping[str, float], pricing: Pricing) -> Iterator[Turns]:
    """Pools of models that fit one by one and not together, on as few devices of a class as that takes.

    Sets of one agent's models, as packs have them, and sets of the models that are called least, whoever calls them
    (`calls_per_s` by model). Beside the largest weights a call's longest KV of each model is kept, since a call may
    wait between its prompt and its tokens. CPUs load nothing, and a Spyre card starts anew with each model.
    """
    longest: dict[str, float] = {}
    for each in (asked for agent in agents for asked in agent if asked.phase in {SERVE, RUN}):
        for model in each.spec.models:
            longest[model] = max(longest.get(model, 0.0), each.context_tokens)
    for model, tokens in kept_tokens(each for agent in agents for each in agent).items():
        longest[model] = longest.get(model, 0.0) + tokens
    for models in list(_sets(agents, calls_per_s))[:MOST_SETS]:
        for device_class in pricing.fleet.classes:
            for precision in pricing.precisions:
                found = _turns(device_class, precision, {model: longest[model] for model in models}, pricing)
                if found is not None:
                    yield found


def _sets(agents: Sequence[Sequence[Asked]], calls_per_s: Mapping[str, float]) -> dict[tuple[str, ...], None]:
    rarest = sorted(calls_per_s, key=lambda model: (calls_per_s[model], model))[:RAREST]
    across = [tuple(sorted(each)) for size in (2, MOST_MODELS) for each in combinations(rarest, size)]
    own = [each for each in sets_of(agents) if len(each) <= MOST_MODELS]
    return dict.fromkeys([*own[: MOST_SETS // 2], *across])


def _turns(device_class: DeviceClass, precision: str, longest: Mapping[str, float], pricing: Pricing) -> Turns | None:
    device = device_class.device
    if device is None or device.kind == "cpu" or is_spyre(device.id):
        return None
    models = {name: pricing.models.model(name) for name in longest}
    degrees = [set(tensor_parallel_degrees(model, device, device_class.count)) for model in models.values()]
    for tp in sorted(degrees[0].intersection(*degrees[1:])):
        kept = sum(_kv_bytes(models[name], device, tp, tokens) for name, tokens in longest.items())
        weights = [weight_bytes(model, precision) / tp for model in models.values()]
        room = MARGIN * device.mem_bytes - kept
        if sum(weights) <= room:
            return None
        if max(weights) <= room:
            try:
                loads_s = {name: load_s(model, device, precision, tp) for name, model in models.items()}
            except CostError:
                return None
            return Turns(_pool(device_class, tuple(models), tp, precision), loads_s)
    return None


def _kv_bytes(model: Model, device: Device, tp: int, tokens: float) -> float:
    """Of one call, on each device."""
    return kv_bytes(model, tokens, KV_PRECISION) / kv_shards(model, device, tp) if model.is_text_generator else 0.0


def _pool(device_class: DeviceClass, models: tuple[str, ...], tp: int, precision: str) -> Pool:
    name = "+".join(models)
    return Pool(
        id=f"{device_class.id}/{name}/tp{tp}/{precision}/turns",
        device=device_class.id,
        site=device_class.site,
        tp=tp,
        model=name,
        precision=precision,
        place=device_class.id,
        kv_place=f"{device_class.id}/{name}",
        driver="simulated" if device_class.driver == "cpu" else device_class.driver,
    )


def in_turns(one: Turns, asked: Asked, ways: Sequence[Way]) -> Way | None:
    """The fastest of an operator's ways with one slot on such devices, moved into the pool, with its load.

    The tokens of a call continue it: their prompt has loaded the model.
    """
    wanted = (one.pool.device, one.pool.tp, 1, one.pool.precision)
    alone = [
        way
        for way in ways
        if (way.pool.device, way.pool.tp, way.slots, way.pool.precision) == wanted and way.pool.model in one.loads_s
    ]
    if not alone:
        return None
    best = min(alone, key=lambda way: way.service.slot_s)
    model = best.pool.model or ""
    loading = Loading(model, one.loads_s[model], continues=asked.spec.phase == "decode")
    return replace(best, pool=one.pool, service=replace(best.service, loading=loading))
