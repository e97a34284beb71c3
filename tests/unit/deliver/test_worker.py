"""The worker's rules on a clock that jumps: when attempts come, how they end, who waits for whom."""

import gc
import logging
import sys
import time
import weakref
from itertools import pairwise
from types import FrameType

import msgspec
import pytest
import trio
from prometheus_client import Histogram
from trio.testing import MockClock

from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND
from ampp.core.notify import Data, Notify, Outcome
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason
from ampp.deliver.backoff import pauses
from ampp.deliver.sender import SendError, Unsendable
from ampp.observe import stall

from .kit import HANG, HOOK, OTHER, Accept, Refuse, Scripted, alert, mono, notify, numbers, running


async def test_success_is_reported_with_what_the_log_is_to_keep(autojump_clock: MockClock) -> None:
    sender = Scripted(Accept(after=2, data={"threadTs": "1"}))
    async with running({HOOK: sender}) as stage:
        sent = notify()
        stage.delivery.submit(sent)
        [outcome] = await stage.until(1)
        assert outcome == Outcome(notify=sent, ok=True, attempts=1, took=2 * SECOND, data={"threadTs": "1"})
        assert stage.count("notifications_total") == 1
        assert stage.count("notification_requests_total") == 1
        assert stage.count("notification_requests_failed_total") == 0
        assert stage.count("notification_latency_seconds_bucket", le="1.0") == 0
        assert stage.count("notification_latency_seconds_bucket", le="5.0") == 1


def test_pauses_grow_by_half_to_a_minute_and_spread_by_half() -> None:
    steps = pauses(lambda: 0.5)
    first = [next(steps) / SECOND for _ in range(20)]
    assert first[:4] == [0.5, 0.75, 1.125, 1.6875]
    assert first[-1] == 60.0
    steps = pauses(numbers(0, 0.9999999999, 0.5))
    assert next(steps) == 0.25 * SECOND
    assert next(steps) == pytest.approx(1.125 * SECOND)


async def test_attempts_follow_the_back_off_until_one_succeeds(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse(), Refuse(), Refuse(), Accept())
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify())
        [outcome] = await stage.until(1)
        assert [round(at - stage.start, 3) for at in sender.at] == [0, 0.5, 1.25, 2.375]
        assert outcome.ok
        assert outcome.attempts == 4
        assert stage.count("notifications_total") == 1
        assert stage.count("notification_requests_total") == 4
        assert stage.count("notification_requests_failed_total") == 3
        assert stage.count("notifications_failed_total", reason="other") == 0


async def test_a_pause_counts_from_the_start_of_the_attempt_before(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse(after=0.4), Refuse(after=3), Accept())
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify())
        await stage.until(1)
        assert [round(at - stage.start, 3) for at in sender.at] == [0, 0.5, 3.5]


async def test_gives_up_at_the_deadline_with_the_last_error(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse("first"), Refuse("unexpected status code 500", reason=FailureReason.SERVER))
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify(within=10))
        [outcome] = await stage.until(1)
        assert outcome.took == 10 * SECOND
        assert outcome.attempts == len(sender.at) == 6
        assert outcome.reason is FailureReason.SERVER
        assert outcome.retryable
        assert not outcome.canceled
        assert outcome.error == ("team/webhook[0]: notify retry canceled after 6 attempts: unexpected status code 500")
        assert stage.count("notifications_failed_total", reason="serverError") == 1


async def test_an_attempt_that_hangs_ends_at_the_deadline(autojump_clock: MockClock) -> None:
    sender = Scripted(HANG)
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify(within=10))
        [outcome] = await stage.until(1)
        assert outcome.took == 10 * SECOND
        assert outcome.reason is FailureReason.DEADLINE
        assert outcome.error == ("team/webhook[0]: notify retry canceled after 1 attempts: context deadline exceeded")
        assert sender.running == 0


async def test_an_error_that_cannot_mend_ends_at_once(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse("unexpected status code 404", retry=False, reason=FailureReason.CLIENT))
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify())
        [outcome] = await stage.until(1)
        assert outcome.error == (
            "team/webhook[0]: notify retry canceled due to unrecoverable error after 1 attempts: "
            "unexpected status code 404"
        )
        assert outcome.reason is FailureReason.CLIENT
        assert not outcome.retryable
        assert stage.count("notifications_failed_total", reason="clientError") == 1


async def test_a_defect_in_a_sender_costs_only_its_own_notification(autojump_clock: MockClock) -> None:
    class Broken(Scripted):
        async def send(self, notify: object, alerts: object) -> dict[str, str | int | float]:
            raise ZeroDivisionError

    sender = Scripted(Accept())
    async with running({HOOK: Broken(HANG), OTHER: sender}) as stage:
        stage.delivery.submit(notify())
        stage.delivery.submit(notify(OTHER))
        outcomes = await stage.until(2)
        assert {(o.notify.integration, o.ok, o.reason) for o in outcomes} == {
            (HOOK, False, FailureReason.OTHER),
            (OTHER, True, None),
        }


async def test_resolved_alerts_are_kept_from_those_who_do_not_want_them(autojump_clock: MockClock) -> None:
    quiet = Integration("team", "webhook", 0, False)
    sender = Scripted(Accept())
    async with running({quiet: sender}) as stage:
        firing, resolved = alert("A"), alert("B", firing=False)
        stage.delivery.submit(notify(quiet, firing, resolved))
        await stage.until(1)
        assert sender.told[0][1] == (firing,)
        # Nothing is sent, yet the log must learn of it: the next firing alert is then a first notification.
        stage.delivery.submit(notify(quiet, resolved, data={"x": 1}))
        outcome = (await stage.until(2))[1]
        assert (outcome.ok, outcome.attempts, outcome.data) == (True, 0, {"x": 1})
        assert len(sender.told) == 1
        assert stage.count("notifications_total") == 2


async def test_a_hanging_receiver_delays_no_other(autojump_clock: MockClock) -> None:
    dead, alive = Scripted(HANG), Scripted(Accept())
    async with running({HOOK: dead, OTHER: alive}, per_integration=4, total=6) as stage:
        for i in range(100):
            stage.delivery.submit(notify(HOOK, group=f"g{i}", within=300))
        for i in range(100):
            stage.delivery.submit(notify(OTHER, group=f"g{i}", within=300))
        await stage.until(100)
        assert trio.current_time() - stage.start < 1
        assert {o.notify.integration for o in stage.outcomes} == {OTHER}
        assert dead.most == 4
        # The rest of the dead one's line ends at its deadline, tried or not.
        await stage.until(200)
        assert trio.current_time() - stage.start == pytest.approx(300, abs=0.1)
        assert {o.reason for o in stage.outcomes if not o.ok} == {FailureReason.DEADLINE}
        assert sorted({o.attempts for o in stage.outcomes if not o.ok}) == [0, 1]


async def test_when_every_slot_is_taken_an_idle_integration_still_gets_one(autojump_clock: MockClock) -> None:
    hooks = [Integration(f"team{i}", "webhook", 0, True) for i in range(5)]
    dead = {hook: Scripted(HANG) for hook in hooks}
    alive = Scripted(Accept(after=1))
    async with running({**dead, OTHER: alive}, per_integration=4, total=4) as stage:
        for hook in hooks:
            for i in range(10):
                stage.delivery.submit(notify(hook, group=f"g{i}"))
        for i in range(3):
            stage.delivery.submit(notify(OTHER, group=f"g{i}"))
        await stage.until(3)
        assert [round(at - stage.start) for at in alive.at] == [0, 1, 2]
        assert all(sender.most >= 1 for sender in dead.values())


async def test_one_group_is_told_in_order_and_the_newest_waits_behind(autojump_clock: MockClock) -> None:
    sender = Scripted(Accept(after=1))
    async with running({HOOK: sender}) as stage:
        for flush in (1, 2, 3):
            stage.delivery.submit(notify(flush=flush))
            await trio.sleep(0.1)
        outcomes = await stage.until(3)
        assert [(o.notify.flush, o.ok, o.superseded) for o in outcomes] == [
            (2, False, True),
            (1, True, False),
            (3, True, False),
        ]
        assert sender.most == 1
        assert stage.count("notifications_failed_total", reason="other") == 0


async def test_a_newer_notification_takes_the_place_of_one_that_pauses(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse(), Accept())
    async with running({HOOK: sender}) as stage:
        stage.delivery.submit(notify(flush=1))
        await trio.sleep(0.1)
        stage.delivery.submit(notify(flush=2))
        outcomes = await stage.until(2)
        assert [(o.notify.flush, o.attempts, o.ok, o.superseded) for o in outcomes] == [
            (1, 1, False, True),
            (2, 1, True, False),
        ]
        assert round(sender.at[1] - stage.start, 3) == 0.1


async def test_cancel_ends_what_the_flush_submitted_wherever_it_is(autojump_clock: MockClock) -> None:
    sender = Scripted(Refuse("no", reason=FailureReason.SERVER), HANG)
    async with running({HOOK: sender}, per_integration=1) as stage:
        stage.delivery.submit(notify(group="paused", flush=1, within=9000))
        await trio.sleep(0.1)
        stage.delivery.submit(notify(group="running", flush=2))
        stage.delivery.submit(notify(group="ready", flush=3))
        stage.delivery.submit(notify(group="stays", flush=4, within=9000))
        await trio.sleep(0.1)
        stage.delivery.cancel([1, 2, 3])
        outcomes = await stage.until(3)
        assert {(o.notify.group_key, o.canceled, o.attempts, o.reason) for o in outcomes} == {
            ("paused", True, 1, FailureReason.SERVER),
            ("running", True, 1, FailureReason.CANCELED),
            ("ready", True, 0, FailureReason.CANCELED),
        }
        [ready] = [o for o in outcomes if o.notify.group_key == "ready"]
        assert ready.error == "team/webhook[0]: notify retry canceled after 0 attempts: context canceled"
        await trio.sleep(0.1)
        assert sender.running == 1
        assert stage.delivery.health()[0].failures == 0


async def test_replace_keeps_what_stays_and_cancels_what_goes(autojump_clock: MockClock) -> None:
    old, new, gone = Scripted(Refuse()), Scripted(Accept()), Scripted(HANG)
    async with running({HOOK: old, OTHER: gone}) as stage:
        stage.delivery.submit(notify(HOOK))
        stage.delivery.submit(notify(OTHER))
        await trio.sleep(0.1)
        stage.delivery.replace({HOOK: new})
        outcomes = await stage.until(2)
        assert [(o.notify.integration, o.ok, o.canceled) for o in outcomes] == [
            (OTHER, False, True),
            (HOOK, True, False),
        ]
        assert round(new.at[0] - stage.start, 3) == 0.5
        assert (old.closed, gone.closed, new.closed) == (1, 1, 0)
        stage.delivery.submit(notify(OTHER))
        assert (await stage.until(3))[2].canceled
    assert new.closed == 1


async def test_an_attempt_under_way_keeps_its_sender_open_over_a_reload(autojump_clock: MockClock) -> None:
    old, new = Scripted(Accept(after=5)), Scripted(Accept())
    async with running({HOOK: old}) as stage:
        stage.delivery.submit(notify())
        await trio.sleep(1)
        stage.delivery.replace({HOOK: new})
        await trio.sleep(1)
        assert old.closed == 0
        assert (await stage.until(1))[0].ok
        await trio.sleep(0.1)
        assert old.closed == 1


async def test_shutdown_lets_attempts_finish_within_the_grace(autojump_clock: MockClock) -> None:
    hooks = {name: Integration(name, "webhook", 0, True) for name in ("slow", "dead", "refusing", "down")}
    senders = {
        hooks["slow"]: Scripted(Accept(after=3)),
        hooks["dead"]: Scripted(HANG),
        hooks["refusing"]: Scripted(Refuse("no", after=2)),
        hooks["down"]: Scripted(Refuse()),
    }
    async with running(senders, grace=5) as stage:
        for hook in hooks.values():
            stage.delivery.submit(notify(hook, within=600))
        await trio.sleep(0.1)
    assert {o.notify.integration.receiver: (o.ok, o.canceled) for o in stage.outcomes} == {
        "slow": (True, False),
        "dead": (False, True),
        "refusing": (False, True),
        "down": (False, True),
    }
    assert trio.current_time() - stage.start == pytest.approx(5.1, abs=0.1)
    assert all(sender.closed == 1 for sender in senders.values())
    assert all(len(sender.at) == 1 for sender in senders.values())


async def test_what_cannot_send_fails_and_is_seen(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with running({HOOK: Unsendable("slack is not supported yet")}) as stage:
            stage.delivery.submit(notify(flush=1))
            stage.delivery.submit(notify(flush=2))
            outcomes = await stage.until(2)
            assert [(o.ok, o.attempts, o.reason) for o in outcomes] == [(False, 0, FailureReason.OTHER)] * 2
            assert outcomes[0].error.endswith("after 0 attempts: slack is not supported yet")
            assert stage.count("notifications_failed_total", reason="other") == 2
            assert stage.count("notification_requests_total") == 0
            [health] = stage.delivery.health()
            assert (health.unsendable, health.failures) == ("slack is not supported yet", 2)
    assert [record.getMessage() for record in caplog.records] == ["Integration cannot send yet"]


async def test_health_tells_how_an_integration_fares(autojump_clock: MockClock) -> None:
    wall = numbers(*range(100, 900, 100))
    sender = Scripted(Refuse("bad", retry=False), Refuse("worse", retry=False), Accept(), HANG)
    async with running({HOOK: sender}, wall=wall) as stage:
        for count in (1, 2):
            stage.delivery.submit(notify())
            await stage.until(count)
            await trio.sleep(0.1)
        [health] = stage.delivery.health()
        assert (health.failures, health.error, health.last_failure, health.last_success) == (2, "worse", 400, None)
        stage.delivery.submit(notify())
        await stage.until(3)
        await trio.sleep(0.1)
        stage.delivery.submit(notify())
        await trio.sleep(0.1)
        [health] = stage.delivery.health()
        assert (health.failures, health.last_success, health.running, health.queued) == (0, 600, 1, 0)
        stage.delivery.replace({HOOK: Scripted(Accept())})
        [health] = stage.delivery.health()
        assert (health.last_success, health.error) == (600, "worse")


async def test_an_outcome_tells_of_each_attempt_when_there_were_several(autojump_clock: MockClock) -> None:
    sender = Scripted(*[Refuse(f"no {n}") for n in range(11)], Accept(), Accept())
    async with running({HOOK: sender}, random=lambda: 0.0) as stage:
        stage.delivery.submit(notify())
        [outcome] = await stage.until(1)
        assert outcome.attempts == 12
        assert [one.error for one in outcome.tries] == ["no 0", *[f"no {n}" for n in range(3, 11)], ""]
        stage.delivery.submit(notify())
        assert (await stage.until(2))[1].tries == ()


class _Unreachable:
    """A sender whose attempts fail, and that knows what was made in them."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[trio.Event]] = []

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        something = trio.Event()
        self.made.append(weakref.ref(something))
        try:
            raise OSError("no route to host")
        except OSError as error:
            raise SendError(str(error), retry=True) from error

    async def aclose(self) -> None:
        pass


async def test_of_a_failed_attempt_only_its_error_is_kept(autojump_clock: MockClock) -> None:
    """Thousands may be between two attempts for hours; what a traceback holds is some twenty kilobytes each."""
    sender = _Unreachable()
    gc.disable()
    try:
        async with running({HOOK: sender}) as stage:
            stage.delivery.submit(notify(within=10))
            await trio.sleep(5)
            assert len(sender.made) > 3
            assert not [each for each in sender.made if each() is not None]
            [outcome] = await stage.until(1)
            assert "no route to host" in outcome.error
    finally:
        gc.enable()


async def test_warns_only_when_the_error_changes(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    sender = Scripted(Refuse("a"), Refuse("a"), Refuse("b"), Refuse("b"), Refuse("a"), Accept())
    with caplog.at_level(logging.INFO):
        async with running({HOOK: sender}) as stage:
            stage.delivery.submit(notify())
            await stage.until(1)
    lines = [(r.getMessage(), r.attributes.get("attempts")) for r in caplog.records]  # type: ignore[attr-defined]
    again = "Notify attempt failed, will retry later"
    assert lines == [(again, 1), (again, 3), (again, 5), ("Notify success", 6)]


async def test_thousands_of_groups_behind_a_dead_receiver_come_through_when_it_lives(autojump_clock: MockClock) -> None:
    class Mending(Scripted):
        async def send(self, notify: object, alerts: object) -> dict[str, str | int | float]:
            self.at.append(trio.current_time())
            if trio.current_time() - stage.start < 20:
                raise Refuse("down").error
            return {}

    sender = Mending(HANG)
    async with running({HOOK: sender}) as stage:
        base = notify(within=300)
        for i in range(2_000):
            stage.delivery.submit(msgspec.structs.replace(base, group_key=f"g{i}"))
        assert stage.delivery.health()[0].queued + stage.delivery.health()[0].running == 2_000
        await stage.until(2_000)
        assert all(outcome.ok for outcome in stage.outcomes)
        assert all(later >= earlier for earlier, later in pairwise(sender.at))
        assert mono() < base.deadline


@pytest.mark.parametrize("count", [5, 700])
async def test_alerts_are_told_in_order(count: int) -> None:
    alerts = [alert("A", instance=f"h{i:04}", firing=i % 2 == 0) for i in range(count)]
    mixed = sorted(alerts, key=lambda one: hash(one.labels["instance"]))
    sender, quiet = Scripted(Accept()), Integration("team", "webhook", 1, False)
    async with running({HOOK: sender, quiet: sender}) as stage:
        stage.delivery.submit(notify(HOOK, *mixed))
        await stage.until(1)
        stage.delivery.submit(notify(quiet, *mixed))
        await stage.until(2)
    assert [told for _, told in sender.told] == [tuple(alerts), tuple(alerts[::2])]


async def test_very_many_ends_at_once_are_reported_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = 0
    turns: list[int] = []

    async def count() -> None:
        nonlocal turn
        while True:
            await trio.lowlevel.checkpoint()
            turn += 1

    async with running({HOOK: Scripted(HANG)}, per_integration=1, grace=0.1) as stage, trio.open_nursery() as nursery:
        hear = stage.hear

        def slowly(outcome: Outcome) -> None:
            turns.append(turn)
            time.sleep(0.002)
            hear(outcome)

        monkeypatch.setattr(stage.delivery, "_report", slowly)
        nursery.start_soon(stall.watch, Histogram("stall_of_ends", "", registry=None))
        nursery.start_soon(count)
        await trio.sleep(0.02)
        for number in range(101):
            stage.delivery.submit(notify(group=f"g{number}", flush=number, within=600))
        await trio.sleep(0.02)
        stage.delivery.cancel(range(1, 101))
        with trio.fail_after(30):
            outcomes = await stage.until(100)
        assert [outcome.notify.flush for outcome in outcomes] == [*range(1, 101)]
        assert max(map(turns.count, turns)) < 30
        # What comes for their keys later is taken as ever.
        stage.delivery.submit(notify(group="g1", flush=200, within=600))
        stage.delivery.cancel([200])
        with trio.fail_after(30):
            assert (await stage.until(101))[-1].canceled
        nursery.cancel_scope.cancel()


async def test_a_reload_only_notes_what_it_gives_up_and_starts_none_of_it(autojump_clock: MockClock) -> None:
    old, new = Scripted(HANG), Scripted(Accept(after=1))
    async with running({HOOK: old}, per_integration=2) as stage:
        for number in range(1000):
            stage.delivery.submit(notify(group=f"g{number}", flush=number, within=600))
        await trio.sleep(0.1)
        calls = 0

        def called(frame: FrameType, event: str, argument: object) -> None:
            nonlocal calls
            calls += event == "call"

        sys.setprofile(called)
        try:
            stage.delivery.cancel([*range(990), 1000])
            stage.delivery.replace({HOOK: new})
        finally:
            sys.setprofile(None)
        assert calls < 300
        assert not stage.outcomes
        # Of the next configuration: behind one that runs still, one that waits, one that was given up before it came.
        for number in (0, 500):
            stage.delivery.submit(notify(group=f"g{number}", flush=2000 + number, within=600))
        stage.delivery.refuse(notify(group="late", flush=1000))
        outcomes = await stage.until(1003)
        assert sorted(o.notify.flush for o in outcomes if o.ok) == sorted(told_by(new))
        assert sorted(told_by(new)) == [*range(990, 1000), 2000, 2500]
        assert sorted(o.notify.flush for o in outcomes if o.canceled) == [*range(990), 1000]
        assert len(old.at) == 2
        assert stage.delivery.health()[0].queued == 0


def told_by(sender: Scripted) -> list[int]:
    return [notify.flush for notify, _ in sender.told]


async def test_what_is_given_up_and_comes_first_in_the_line_is_passed_over(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall, "SLICE", -1.0)
    sender = Scripted(HANG, Accept())
    async with running({HOOK: sender}, per_integration=1) as stage:
        for number in range(200):
            stage.delivery.submit(notify(group=f"g{number}", flush=number, within=600))
        await trio.sleep(0.1)
        stage.delivery.cancel(range(199))
        outcomes = await stage.until(200)
        assert told_by(sender) == [0, 199]
        assert sum(outcome.attempts for outcome in outcomes) == 2
