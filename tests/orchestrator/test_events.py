from pathlib import Path

import pytest

from costmodel.fleet import Fleet, load_fleet
from costmodel.tco import price
from orchestrator.events import Event, EventError, fleet_after, load_after, parse_event
from placement.load_document import load_load


@pytest.fixture
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/provisioned.yaml")


def test_an_event_is_read_from_text() -> None:
    found = parse_event(["a40", "h100_sxm:3"], ["a40=1.5"], ["voice_agent=4"])
    assert found == Event((("a40", 1), ("h100_sxm", 3)), (("a40", 1.5),), (("voice_agent", 4.0),))


@pytest.mark.parametrize("text", ["", ":2", "a40:0", "a40:-1", "a40:x"])
def test_a_loss_that_cannot_be_read(text: str) -> None:
    with pytest.raises(EventError, match="--lost"):
        parse_event([text], [], [])


@pytest.mark.parametrize("text", ["a40", "a40=", "=2", "a40=-1", "a40=nan", "a40=inf"])
def test_a_price_that_cannot_be_read(text: str) -> None:
    with pytest.raises(EventError, match="--price"):
        parse_event([], [text], [])


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(EventError, match="--load-up"):
        parse_event([], [], ["voice_agent=0"])


def test_the_fleet_has_fewer_devices_and_other_prices(fleet: Fleet) -> None:
    found = fleet_after(fleet, Event((("a40", 2), ("a40", 1)), (("a40", 1.5),)))
    assert found.device_class("a40").count == fleet.device_class("a40").count - 3
    assert price(found.device_class("a40"), found).usd_per_hour == 1.5
    assert [each.id for each in found.classes] == [each.id for each in fleet.classes]
    with pytest.raises(EventError, match="takes 17 a40 away, but the fleet has 16"):
        fleet_after(fleet, Event((("a40", 17),)))


def test_the_load_has_other_rates(project: Path) -> None:
    load = load_load(project / "examples/loads/five-agents.yaml")
    found = load_after(load, Event(rates=(("supervisor", 2.0),)))
    assert [(one.agent, one.rate_per_s) for one in found.agents if one.agent == "supervisor"] == [("supervisor", 2.0)]
    assert found.agents[:-1] == load.agents[:-1]
    with pytest.raises(EventError, match="has voice_agent"):
        load_after(load, Event(rates=(("nobody", 2.0),)))
