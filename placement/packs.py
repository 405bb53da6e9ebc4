"""Several models on one device: packs that hold the weights of all of them at once and take one call at a time.

Under light load a device for each model is mostly idle. A pack's calls share neither steps nor memory bandwidth, since
only one runs at a time, so that each takes what it takes alone; nothing is switched, as all weights stay loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, product

from costmodel.errors import CostError
from costmodel.fleet import DeviceClass
from costmodel.llm import kv_bytes, weight_bytes
from costmodel.loading import load_s
from costmodel.memory import MARGIN
from costmodel.spyre import is_spyre
from placement.pricing import Pricing
from placement.problem import Pool
from placement.transfers import KV_PRECISION
from placement.ways import RUN, SERVE, Asked, Way, kept_tokens

PACK_CAP = 0.7
"""Share of a pack's one slot that may be busy."""

MOST_MODELS = 4
MOST_SETS = 8
CLASSES_A_SET = 2


@dataclass(frozen=True, slots=True)
class Pack:
    """A pool with the weights of several models; `context_tokens` of KV are kept for the longest call."""

    pool: Pool
    models: tuple[str, ...]

    def note(self, pricing: Pricing) -> str:
        """What is assumed of switching between its models."""
        name = " + ".join(self.models)
        try:
            device = pricing.fleet.device_class(self.pool.device).device
            assert device is not None, "a pack is on a device of the catalog"
            longest_s = max(load_s(pricing.models.model(model), device, _precision(self.pool)) for model in self.models)
        except CostError:
            return f"pack {name} on {self.pool.device}: all weights stay loaded, so that no call waits for a switch"
        return (
            f"pack {name} on {self.pool.device}: all weights stay loaded, so that no call waits for a switch; loading "
            f"one of them anew would take up to {longest_s:.3g} s"
        )


def packs(agents: Sequence[Sequence[Asked]], pricing: Pricing) -> Iterator[Pack]:
    """Packs of two or more models that one agent uses in its serving and running pools, on one device each.

    Larger packs first, at most `MOST_SETS` sets of models; only where weights and one call's longest KV of each model
    fit into the device's memory with margin. Nobody says that a Spyre card holds two models, so none is asked to.
    """
    kept = kept_tokens(each for agent in agents for each in agent)
    for models in list(dict.fromkeys(sets_of(agents)))[:MOST_SETS]:
        longest = {
            model: kept.get(model, 0.0)
            + max((each.context_tokens for agent in agents for each in agent if _fits_phase(each, model)), default=0.0)
            for model in models
        }
        for device_class in pricing.fleet.classes:
            for precision in pricing.precisions:
                if _fits(device_class, precision, longest, pricing):
                    yield _pack(device_class, models, precision)


def sets_of(agents: Sequence[Sequence[Asked]]) -> Iterator[tuple[str, ...]]:
    """Sets in which each operator has one of its models, and their subsets, larger ones first."""
    whole: dict[tuple[str, ...], None] = {}
    for agent in agents:
        choices = list(dict.fromkeys(each.spec.models for each in agent if each.phase in {SERVE, RUN}))
        for models in islice(product(*choices), MOST_SETS):
            whole[tuple(sorted(set(models)))] = None
    for size in range(MOST_MODELS, 1, -1):
        for models in whole:
            yield from combinations(models, size)


def _fits_phase(asked: Asked, model: str) -> bool:
    return asked.phase in {SERVE, RUN} and model in asked.spec.models


def _fits(device_class: DeviceClass, precision: str, longest: Mapping[str, float], pricing: Pricing) -> bool:
    device = device_class.device
    if device is None or device.kind == "cpu" or is_spyre(device.id) or device_class.count < 1:
        return False
    needed = 0.0
    for name, tokens in longest.items():
        model = pricing.models.model(name)
        needed += weight_bytes(model, precision)
        needed += kv_bytes(model, tokens, KV_PRECISION) if model.is_text_generator else 0.0
    return needed <= MARGIN * device.mem_bytes


def _pack(device_class: DeviceClass, models: tuple[str, ...], precision: str) -> Pack:
    name = "+".join(models)
    pool = Pool(
        id=f"{device_class.id}/{name}/tp1/{precision}/pack",
        device=device_class.id,
        site=device_class.site,
        tp=1,
        model=name,
        precision=precision,
        place=device_class.id,
        kv_place=f"{device_class.id}/{name}",
        driver="simulated" if device_class.driver == "cpu" else device_class.driver,
    )
    return Pack(pool, models)


def in_pack(pack: Pack, ways: Sequence[Way]) -> Way | None:
    """The fastest of an operator's ways with one slot on one device of the pack's class, moved into the pack."""
    alone = [
        way
        for way in ways
        if (way.pool.device, way.pool.tp, way.slots, way.pool.precision)
        == (pack.pool.device, 1, 1, pack.pool.precision)
        and way.pool.model in pack.models
    ]
    if not alone:
        return None
    return replace(min(alone, key=lambda way: way.service.slot_s), pool=pack.pool)


def _precision(pool: Pool) -> str:
    return pool.precision or "fp16"
