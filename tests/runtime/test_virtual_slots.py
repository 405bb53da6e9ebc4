"""Starts computed from busy times, whatever the order in which calls really come."""

from runtime.virtual_slots import VirtualSlots


def test_a_call_that_really_came_late_still_waits_for_the_slot() -> None:
    slots = VirtualSlots(1)
    assert slots.start("a", 0.0) == 0.0
    slots.end("a", 5.0)
    assert slots.start("b", 2.0) == 5.0


def test_a_call_that_really_came_late_does_not_wait_for_a_later_one() -> None:
    slots = VirtualSlots(1)
    assert slots.start("late", 90.0) == 90.0
    slots.end("late", 91.0)
    assert slots.start("early", 10.0) == 10.0


def test_any_free_slot_will_do() -> None:
    slots = VirtualSlots(2)
    for key, end in (("a", 4.0), ("b", 9.0)):
        slots.start(key, 0.0)
        slots.end(key, end)
    assert slots.start("c", 1.0) == 4.0
    slots.end("c", 6.0)
    assert slots.start("d", 1.0) == 6.0  # a then c hold one slot until 6, b the other until 9


def test_a_running_call_holds_its_slot() -> None:
    slots = VirtualSlots(2)
    slots.start("runs on", 0.0)
    slots.start("a", 0.0)
    slots.end("a", 3.0)
    assert slots.start("b", 1.0) == 3.0
