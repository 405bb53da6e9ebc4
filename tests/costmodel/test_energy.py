import pytest

from costmodel.energy import energy_j
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.roofline import Estimate

TWO_SECONDS = Estimate(2.0, {"compute": 2.0}, "compute")


def test_energy_is_time_at_rated_power(h100: Device) -> None:
    energy = energy_j(TWO_SECONDS, h100, 4, pue=1.5)
    # 2 s x 700 W x 4; x 1.5 at the meter
    assert (energy.device_j, energy.facility_j) == (5600, 8400)
    assert energy.basis.startswith("upper bound")


def test_a_core_has_its_share_of_the_socket(core: Device) -> None:
    # 350 W / 56 cores = 6.25 W
    assert energy_j(TWO_SECONDS, core, 1).device_j == 12.5


@pytest.mark.parametrize(("tp", "pue"), [(0, 1.0), (1, 0.9)])
def test_impossible_energy_is_an_error(h100: Device, tp: int, pue: float) -> None:
    with pytest.raises(CostError, match="at least one device and a PUE of at least 1"):
        energy_j(TWO_SECONDS, h100, tp, pue)
