"""Slots: so many at a time, the others in a line."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from domain.errors import UpstreamError, UpstreamFailure
from gateway.resilience.metrics import UpstreamMetrics
from gateway.resilience.slots import Slots
from tests.unit.gateway.resilience.fakes import FAR, name, settings


def make(**options):
    """Slots of an upstream of its own."""
    upstream = name()
    defaults = {"max_concurrency": 1, "max_waiting": 10, "max_wait_s": 60.0}
    return Slots(upstream, settings(**{**defaults, **options}), metrics=UpstreamMetrics(upstream, 1))


def refused(slots, reason):
    """How many were refused for it."""
    labels = {"upstream": slots._name, "reason": reason}
    return REGISTRY.get_sample_value("preceptor_upstream_refused_total", labels) or 0.0


def gauge(slots):
    """How many wait, as the metric says."""
    return REGISTRY.get_sample_value("preceptor_upstream_waiting", {"upstream": slots._name})


async def queue(slots, count):
    """Tasks that wait for a slot, in their order; each notes its number when it has one."""
    order = []

    async def take(number):
        await slots.take(FAR)
        order.append(number)

    tasks = [asyncio.get_running_loop().create_task(take(number)) for number in range(count)]
    await asyncio.sleep(0)
    return tasks, order


async def test_free_slots_are_taken_without_waiting():
    """Both ways give a slot at once while there is one, and then no more than configured."""
    slots = make(max_concurrency=2)
    assert slots.take_now()
    take = slots.take(FAR)
    with pytest.raises(StopIteration):
        take.send(None)
    assert not slots.take_now()
    assert slots.running == 2


async def test_first_come_first_served():
    """A slot that is given back goes to the one that has waited longest, and nobody slips in between."""
    slots = make()
    slots.take_now()
    tasks, order = await queue(slots, 3)
    assert (slots.waiting, gauge(slots)) == (3, 3.0)
    for done in range(1, 4):
        slots.give_back()
        assert not slots.take_now()
        await asyncio.sleep(0)
        assert order == list(range(done))
    await asyncio.gather(*tasks)
    slots.give_back()
    assert (slots.running, slots.waiting, gauge(slots)) == (0, 0, 0.0)


@pytest.mark.parametrize("most", [0, 2])
async def test_a_full_line_refuses_at_once(most):
    """The error says how busy the upstream is, and what helps."""
    slots = make(max_waiting=most)
    slots.take_now()
    tasks, _ = await queue(slots, most)
    with pytest.raises(UpstreamError, match=f"1 calls running and {most} waiting; raise max_concurrency") as caught:
        await slots.take(FAR)
    assert caught.value.kind is UpstreamFailure.OVERLOADED
    assert refused(slots, "full") == 1.0
    for task in tasks:
        task.cancel()


@pytest.mark.parametrize(("max_wait_s", "left_s"), [(0.002, 60.0), (60.0, 0.002), (60.0, -1.0)])
async def test_the_wait_is_bounded(max_wait_s, left_s):
    """By the configuration and by the deadline of the call; the next in line is not harmed."""
    slots = make(max_wait_s=max_wait_s)
    slots.take_now()
    with pytest.raises(UpstreamError) as caught:
        await slots.take(asyncio.get_running_loop().time() + left_s)
    assert caught.value.kind is UpstreamFailure.OVERLOADED
    assert refused(slots, "waited") == 1.0
    assert (slots.running, slots.waiting, gauge(slots)) == (1, 0, 0.0)
    slots.give_back()
    assert slots.take_now()


async def test_a_cancelled_wait_leaks_nothing():
    """The one behind it gets the slot."""
    slots = make()
    slots.take_now()
    tasks, order = await queue(slots, 3)
    tasks[0].cancel()
    slots.give_back()
    await asyncio.sleep(0)
    assert order == [1]
    assert (slots.running, slots.waiting, gauge(slots)) == (1, 1, 1.0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    slots.give_back()
    assert (slots.running, slots.waiting) == (0, 0)


async def test_a_cancelled_wait_makes_room_in_the_line():
    """At once, not when a slot comes free."""
    slots = make(max_waiting=1)
    slots.take_now()
    (task,), _ = await queue(slots, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert slots.waiting == 0


async def test_a_turn_that_comes_with_the_cancellation_is_passed_on():
    """The call never ran: its slot goes to the next, or is free."""
    slots = make()
    slots.take_now()
    tasks, order = await queue(slots, 2)
    slots.give_back()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[0].cancelled()
    assert order == [1]
    slots.give_back()
    assert slots.running == 0
