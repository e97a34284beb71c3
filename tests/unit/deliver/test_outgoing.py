"""Notifications between their record and delivery: in order, once each, and never kept back for long."""

import logging
import time

import pytest
import trio
from prometheus_client import Histogram
from trio.testing import MockClock, wait_all_tasks_blocked

from ampp.core.notify import Notify
from ampp.observe import stall
from ampp.outgoing import PATIENCE, Outgoing
from ampp.store.sqlite.ticket import Ticket

from .kit import notify


def named(token: str) -> Notify:
    return notify(token=token)


def tokens(delivered: list[Notify]) -> list[str]:
    return [one.token for one in delivered]


async def test_each_goes_as_soon_as_its_record_is_durable_and_in_order(autojump_clock: MockClock) -> None:
    delivered: list[Notify] = []
    outgoing = Outgoing(delivered.append)
    first, second, third = Ticket(), Ticket(), Ticket()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run)
        await wait_all_tasks_blocked()
        outgoing.put(first, [named("a"), named("b")])
        outgoing.put(second, [named("c")])
        outgoing.put(third, [named("d")])
        second.settle("")
        assert tokens(delivered) == []
        first.settle("")
        assert tokens(delivered) == ["a", "b", "c"]
        await trio.sleep(PATIENCE - 1)
        assert tokens(delivered) == ["a", "b", "c"]
        third.settle("")
        assert tokens(delivered) == ["a", "b", "c", "d"]
        await trio.sleep(10 * PATIENCE)
        assert tokens(delivered) == ["a", "b", "c", "d"]
        nursery.cancel_scope.cancel()


async def test_who_waits_for_the_disk_for_too_long_is_told_without_it(autojump_clock: MockClock) -> None:
    delivered: list[Notify] = []
    outgoing = Outgoing(delivered.append)
    hanging, later = Ticket(), Ticket()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run)
        outgoing.put(hanging, [named("a")])
        await trio.sleep(1)
        outgoing.put(later, [named("b")])
        later.settle("")
        await trio.sleep(PATIENCE - 1.01)
        assert tokens(delivered) == []
        await trio.sleep(0.02)
        assert tokens(delivered) == ["a", "b"]
        hanging.settle("")
        outgoing.put(Ticket(), [named("c")])
        await trio.sleep(PATIENCE + 0.01)
        assert tokens(delivered) == ["a", "b", "c"]
        nursery.cancel_scope.cancel()


async def test_whose_record_was_not_written_is_told_all_the_same(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    delivered: list[Notify] = []
    outgoing = Outgoing(delivered.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run)
        await wait_all_tasks_blocked()
        failed = Ticket()
        with caplog.at_level(logging.WARNING, "ampp"):
            outgoing.put(failed, [named("a")])
            failed.settle("the disk is full")
            outgoing.put(Ticket("the disk is full"), [named("b")])
        assert tokens(delivered) == ["a", "b"]
        assert caplog.text.count("Notifying without a durable record") == 2
        nursery.cancel_scope.cancel()


async def test_nothing_goes_before_delivery_runs_or_after(autojump_clock: MockClock) -> None:
    delivered: list[Notify] = []
    outgoing = Outgoing(delivered.append)
    early, late = Ticket(), Ticket()
    outgoing.put(early, [named("a")])
    early.settle("")
    assert tokens(delivered) == []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run)
        await wait_all_tasks_blocked()
        assert tokens(delivered) == ["a"]
        nursery.cancel_scope.cancel()
    outgoing.put(late, [named("b")])
    late.settle("")
    assert tokens(delivered) == ["a"]


async def test_very_many_at_once_take_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ampp.outgoing.PATIENCE", 3600.0)
    turns: list[int] = []
    turn = 0

    def submit(one: Notify) -> None:
        turns.append(turn)
        time.sleep(0.002)

    async def count() -> None:
        nonlocal turn
        while True:
            await trio.lowlevel.checkpoint()
            turn += 1

    outgoing = Outgoing(submit)
    tickets = [Ticket() for _ in range(100)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stall.watch, Histogram("stall_of_outgoing", "", registry=None))
        nursery.start_soon(outgoing.run)
        nursery.start_soon(count)
        await trio.sleep(0.02)
        for ticket in tickets:
            outgoing.put(ticket, [named("a")])
        await trio.lowlevel.checkpoint()
        for ticket in tickets:
            ticket.settle("")
        assert 0 < len(turns) < 100
        with trio.fail_after(30):
            while len(turns) < 100:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert len(turns) == 100
    assert max(map(turns.count, turns)) < 30
