"""Webhooks on both databases: each gets every change, in order, whatever receivers and replicas do."""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from copydesk_api.admin.told import ChangeEvent, Notice
from copydesk_api.push import engine, pending
from copydesk_api.push.desk import Desk
from copydesk_api.push.messages import plain_message
from copydesk_api.push.records import Attempt, Cause, Event, Kind, Outcome, Receiver, State
from copydesk_api.push.store import PRUNED_EACH, WELL
from copydesk_api.rebuilding import rebuild
from copydesk_api.schema import articles
from copydesk_api.store import Keep, Store
from tests.api.pushing import IMPATIENT, QUICK, add_webhook, desk_of, ids, replica, run_replica, told, until
from tests.api.samples import COURIER, article
from tests.api.servers import own_postgres
from tests.api.target import Received, Target, hang, hang_up, status, target
from tests.api.test_rebuild import append, filled, index

OpenStore = Callable[[], Store]


def put(store: Store, *names: str, revision: int = 1, **given: object) -> None:
    store.write([(name, article(name, revision, f"text {revision}", **given)) for name in names], {})  # type: ignore[arg-type]


def now_of(desk: Desk, receiver: Receiver) -> Receiver:
    found = desk.receivers.get(receiver.receiver_id)
    assert found is not None
    return found


async def test_changes_come_in_order_with_what_they_are(store: Store) -> None:
    put(store, "a", "b")
    put(store, "a", revision=2)
    store.write([("b", None)], {})
    async with target() as there, replica(store) as desk:
        hook = add_webhook(desk, there)
        first = [told(each) for each in await there.until(3)]
        for each in there.received:
            ChangeEvent.model_validate_json(each.body, strict=False)
        # The first change of "a" comes with its newest text; of "b" nothing is left to tell but that it is gone.
        assert [(each["type"], each["data"]["article_id"], each["data"]["revision"]) for each in first] == [
            ("article.published", "a", 2), ("article.revised", "a", 2), ("article.removed", "b", 1),
        ]  # fmt: skip
        assert first[0]["data"]["article"]["text"] == "text 2"
        assert first[2]["data"]["article"] is None
        store.write([("a", article("a", 2, "text 2", ("aviation",), classifier_version="2"))], {})
        put(store, "c")
        assert [told(each)["type"] for each in (await there.until(5))[3:]] == ["article.retagged", "article.published"]
        await until(lambda: now_of(desk, hook).position == store.standing().position)
        assert there.connections == 1 or len(there.received) == 5


async def test_what_is_sent_is_a_request_of_standard_webhooks(store: Store) -> None:
    put(store, "a")
    async with target() as there, replica(store) as desk:
        hook = add_webhook(desk, there)
        request = (await there.until(1))[0]
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/json"
        assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
        assert "." not in request.headers["webhook-id"]
        payload = told(request)
        assert payload["timestamp"] == payload["data"]["at"]
        assert store.changes(0, 1)[0].position == payload["data"]["position"]
        await until(lambda: len(desk.receivers.log(hook.receiver_id, 5)) == 1)
        logged = desk.receivers.log(hook.receiver_id, 5)[0]
        assert (logged.event_id, logged.event, logged.outcome, logged.status, logged.attempt, logged.cause) == (
            request.headers["webhook-id"], Event.PUBLISHED, Outcome.DELIVERED, 204, 1, Cause.FEED,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"tag": ["aviation"]}, ["both"]),
        ({"tag": ["aviation", "conflict"]}, ["both", "war", "german"]),
        ({"tag": ["aviation", "conflict"], "tag_mode": "all"}, ["both"]),
        ({"domain": "northerncourier.example"}, ["courier"]),
        ({"language": "de"}, ["german"]),
        ({"q": "freighter"}, ["german"]),
        ({"dedupe": "lead", "language": "en"}, ["both", "war", "courier"]),
        ({"published_to": "2020-01-01"}, []),
        ({"access": "paywall"}, []),
    ],
)
async def test_filters_are_those_of_the_list(store: Store, filters: dict[str, object], found: list[str]) -> None:
    put(store, "both", tags=("aviation", "conflict"))
    put(store, "war")
    put(store, "courier", tags=(), source=COURIER)
    store.write(
        [("german", article("german", text="The freighter left.", language="de-AT")), ("gone", article("gone"))], {}
    )
    store.write([("gone", None)], {})
    desk = desk_of(store)
    async with target() as there:
        hook = add_webhook(desk, there, filters=filters)
        pending = desk.feed.after(0, hook.wanted(), desk.webhooks.events(hook))
    assert [change.article_id for _, change in pending.changes] == [*found, "gone"]
    assert pending.upto == store.standing().position


async def test_events_are_chosen(store: Store) -> None:
    put(store, "a", "b")
    put(store, "a", revision=2)
    store.write([("b", None)], {})
    desk = desk_of(store)
    async with target() as there:
        for events, found in (
            (["article.published"], ["a"]), (["article.revised"], ["a"]),
            (["article.removed"], ["b"]), (["article.retagged"], []),
        ):  # fmt: skip
            hook = add_webhook(desk, there, events=events)
            pending = desk.feed.after(0, hook.wanted(), desk.webhooks.events(hook), most=1)
            assert [change.article_id for _, change in pending.changes] == found


def test_pages_end_at_their_size_and_windows_at_their_width(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, *(f"a{number}" for number in range(30)))
    hook = desk_of(store)
    every = (Event.PUBLISHED,)
    filters = Receiver.wanted(replace(add_webhook(hook, Target()), filters={}))
    monkeypatch.setattr(pending, "WINDOW", 7)
    assert hook.feed.after(0, filters, every).upto == 7
    assert hook.feed.after(0, filters, every, most=3).upto == 3
    monkeypatch.setattr(pending, "BYTES", 10)
    one = hook.feed.after(0, filters, every)
    assert (len(one.changes), one.upto) == (1, 1)
    seen: list[str] = []
    at = 0
    while (page := hook.feed.after(at, filters, every)).upto > at:
        seen += [change.article_id for _, change in page.changes]
        at = page.upto
    assert seen == [f"a{number}" for number in range(30)]


def test_rows_that_are_not_seen_to_yet_are_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:

    put(store, "a", "b", "c")
    with store.engine.begin() as connection:
        connection.execute(update(articles).where(articles.c.article_id == "b").values(derived_position=None))
    desk = desk_of(store)
    hook = add_webhook(desk, Target())
    assert desk.feed.after(0, hook.wanted(), (Event.PUBLISHED,)).upto == 1
    assert desk.feed.after(2, hook.wanted(), (Event.PUBLISHED,)).upto == 3, "what lies before holds up nobody"
    monkeypatch.setattr(pending, "UNSEEN", 1)
    assert desk.feed.after(0, hook.wanted(), (Event.PUBLISHED,)).upto == 0, "there are too many of them to tell"
    store.catch_up(10)
    assert desk.feed.after(1, hook.wanted(), (Event.PUBLISHED,)).upto == 3


async def test_a_receiver_that_fails_gets_the_same_again_and_nothing_overtakes_it(store: Store) -> None:
    put(store, "a", "b", "c")
    async with target() as there, replica(store, IMPATIENT) as desk:
        there.replies = [
            status(500, "no\x1b room"),
            hang_up,
            hang,
            status(302, location="http://127.0.0.1:1/"),
            status(204),
        ]
        hook = add_webhook(desk, there)
        await there.until(7)
        assert ids(there.received) == ["a"] * 5 + ["b", "c"]
        sent = {each.headers["webhook-id"] for each in there.received[:5]}
        assert len(sent) == 1
        assert len({each.body for each in there.received[:5]}) == 1
        await until(lambda: now_of(desk, hook).position == 3)
        log = desk.receivers.log(hook.receiver_id, 50)[::-1]
        assert [(each.attempt, each.outcome.value) for each in log] == [
            (1, "rejected"), (2, "unreachable"), (3, "unreachable"), (4, "rejected"), (5, "delivered"),
            (1, "delivered"), (1, "delivered"),
        ]  # fmt: skip
        assert log[0].detail == "it answered 500: no room"
        assert "redirects are not followed" in str(log[3].detail)
        well = now_of(desk, hook)
        assert (well.failures, well.failing_since, well.last_error, well.state) == (0, None, None, State.ACTIVE)


async def test_retry_after_is_honoured(store: Store) -> None:
    put(store, "a")
    async with target(status(429, retry_after="3600")) as there, replica(store) as desk:
        hook = add_webhook(desk, there)
        await until(lambda: now_of(desk, hook).failures == 1)
        waiting = now_of(desk, hook)
        assert waiting.next_at is not None
        assert waiting.next_at - datetime.now(UTC) > timedelta(seconds=3500)
        assert waiting.lease_owner is None
        put(store, "b")
        await asyncio.sleep(QUICK.look * 5)
        assert len(there.received) == 1


async def test_who_is_gone_is_disabled_at_once_and_who_fails_for_days_then(store: Store) -> None:
    put(store, "a")
    async with target(status(410)) as gone, target(status(500)) as broken, replica(store) as desk:
        first, second = (
            add_webhook(desk, gone),
            add_webhook(desk, broken, failures=9, failing_since=datetime.now(UTC) - timedelta(days=6)),
        )
        await until(
            lambda: now_of(desk, first).state is State.DISABLED and now_of(desk, second).state is State.DISABLED
        )
        assert now_of(desk, first).why == "it answered 410 Gone"
        assert "5 days" in str(now_of(desk, second).why)
        put(store, "b")
        broken.reply = gone.reply = status(204)
        enabled = desk.receivers.change(second.receiver_id, {"state": "active", "next_at": None, "failures": 0})
        assert enabled is not None
        await broken.until(3)
        assert ids(broken.received) == ["a", "a", "b"]
        assert len(gone.received) == 1


async def test_private_targets_are_refused_unless_allowed(store: Store) -> None:
    put(store, "a")
    async with target() as there, replica(store, push_allow_networks="") as desk:
        hook = add_webhook(desk, there)
        await until(lambda: now_of(desk, hook).failures > 0)
        assert "COPYDESK_API_PUSH_ALLOW_NETWORKS" in str(now_of(desk, hook).last_error)
        assert desk.receivers.log(hook.receiver_id, 1)[0].outcome is Outcome.REFUSED
        assert there.received == []


async def test_two_replicas_deliver_each_change_once(open_store: OpenStore) -> None:
    stores = [open_store(), open_store()]
    async with target() as there, replica(stores[0]) as desk, replica(stores[1]):
        add_webhook(desk, there)
        for number in range(30):
            await asyncio.to_thread(put, stores[0], f"a{number}")
        await there.until(30)
        await asyncio.sleep(QUICK.look * 4)
        assert ids(there.received) == [f"a{number}" for number in range(30)]


async def test_what_an_admin_changes_counts_at_once(store: Store) -> None:
    """Whoever delivers at that moment has lost its lease, and stores no position over the new one."""
    put(store, "a", "b")
    release = asyncio.Event()

    async def slowly(_request: Received, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with target() as there, replica(store) as desk:
        hook = add_webhook(desk, there)
        await there.until(2)
        await until(lambda: now_of(desk, hook).position == 2)
        there.reply = slowly
        put(store, "c")
        await there.until(3)
        assert desk.receivers.change(hook.receiver_id, {"position": 0}) is not None
        release.set()
        await there.until(6)
        assert ids(there.received) == ["a", "b", "c", "a", "b", "c"]
        await until(lambda: now_of(desk, hook).position == 3)


async def test_a_paused_receiver_goes_on_where_it_was(store: Store) -> None:
    put(store, "a")
    async with target() as there, replica(store) as desk:
        hook = add_webhook(desk, there, state="paused")
        await asyncio.sleep(QUICK.look * 4)
        assert there.received == []
        desk.receivers.change(hook.receiver_id, {"state": "active"})
        await there.until(1)


async def test_a_message_is_signed_with_both_secrets_after_a_rotation(store: Store) -> None:
    async with target() as there, replica(store) as desk:
        hook = add_webhook(desk, there)
        signatures = []
        for number, until_when in enumerate((None, timedelta(hours=1), timedelta(seconds=-1)), 1):
            if until_when is not None:
                rotated = desk.receivers.rotate(hook.receiver_id, until_when)
                assert rotated is not None
                assert rotated.secret != rotated.former_secret
            put(store, f"a{number}")
            await until(lambda number=number: now_of(desk, hook).position == number)  # type: ignore[misc]
            signatures.append(len(there.received[-1].headers["webhook-signature"].split(" ")))
        assert signatures == [1, 2, 1]


async def test_killed_replicas_lose_nothing(open_store: OpenStore, database: str) -> None:
    """Writers go on while replicas are killed; each goes on where the one before had stored its position."""
    store = open_store()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.api.pushing"])
    names = [f"a{number}" for number in range(60)]
    async with target() as there:
        hook = add_webhook(desk_of(store), there)
        for kill in range(2):
            process = context.Process(target=run_replica, args=(database,))
            enough = len(there.received) + 7  # of 30: what is written may be delivered by the time all of it is
            process.start()
            try:
                for name in names[kill * 30 : kill * 30 + 30]:
                    await asyncio.to_thread(put, store, name)
                await there.until(enough)
            finally:
                process.kill()
                process.join()
                process.close()
        async with replica(store) as desk:
            await until(lambda: now_of(desk, hook).position == len(names))
    seen = ids(there.received)
    assert list(dict.fromkeys(seen)) == names, "all of them, the first time in order"
    repeated = [name for before, name in pairwise(seen) if name == before]
    assert len(seen) == len(names) + len(repeated), "what came twice came in a row"


async def test_after_a_rebuild_receivers_are_told_and_get_what_they_had_not_got(store: Store) -> None:
    broker = filled()
    await index(store, broker)
    async with target() as there:
        desk = desk_of(store)
        behind, current = add_webhook(desk, there, None), add_webhook(desk, there, None, url=there.url("/current"))
        append(broker, article("late"), article("a3", 2, "revised"))
        await index(store, broker)
        desk.receivers.change(current.receiver_id, {"position": store.standing().position})
        claim = desk.receivers.claim(behind.receiver_id, 3600)
        assert claim is not None
        former = store.feed()
        await rebuild(store, Keep(), broker.follow, lambda _line: None)
        assert store.feed() != former
        assert not desk.receivers.renew(claim, 1, {"position": 9999}), "who delivers meanwhile has lost it"
        async with replica(store):
            await until(lambda: all(now_of(desk, each).feed == store.feed() for each in (behind, current)))
            await until(lambda: now_of(desk, behind).position == store.standing().position)
        hooked = [told(each) for each in there.received if each.path == "/hook"]
        assert Notice.model_validate(hooked[0]).type == "feed.reset"
        assert {"late", "a3"} <= {each["data"]["article_id"] for each in hooked[1:]}
        assert [told(each)["type"] for each in there.received if each.path == "/current"] == ["feed.reset"]


def test_the_log_is_bounded_by_count_and_by_age(store: Store) -> None:
    desk = desk_of(store, push_log_kept=10)
    hook = add_webhook(desk, Target())
    message = plain_message("msg_a", Event.TEST, {})
    for _ in range(PRUNED_EACH):
        desk.receivers.note(hook.receiver_id, message, Attempt(Outcome.DELIVERED, 204, 1), Cause.TEST)
    assert [each.number for each in desk.receivers.log(hook.receiver_id, 100)] == list(
        range(PRUNED_EACH, PRUNED_EACH - 10, -1)
    )
    desk.receivers.prune(datetime.now(UTC) - timedelta(hours=1))
    assert len(desk.receivers.log(hook.receiver_id, 100)) == 10
    desk.receivers.prune(datetime.now(UTC) + timedelta(seconds=1))
    assert desk.receivers.log(hook.receiver_id, 100) == []


async def test_what_the_metrics_say(store: Store) -> None:
    put(store, "a")
    desk = desk_of(store)
    hook = add_webhook(desk, Target(), failures=2, failing_since=datetime.now(UTC))
    add_webhook(desk, Target(), state="paused")
    add_webhook(desk, Target(), state="disabled")
    (shown,) = desk.receivers.overview([Kind.WEBHOOK])
    assert (shown.active, shown.failing, shown.disabled) == (1, 1, 1)
    assert 0 < shown.lag_seconds < 60
    desk.receivers.change(hook.receiver_id, {"position": 1, **WELL})
    (shown,) = desk.receivers.overview([Kind.WEBHOOK])
    assert (shown.failing, shown.lag_seconds) == (0, 0.0)


@pytest.mark.postgres
async def test_a_database_that_goes_away_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "AWAY_SECONDS", 0.2)
    with own_postgres() as server:
        store = Store.open(server.url)
        names = [f"a{number}" for number in range(12)]
        put(store, *names[:4])
        async with target() as there, replica(store, replace(QUICK, timeout=2.0)) as desk:
            hook = add_webhook(desk, there)

            def gone(_request: Received, writer: asyncio.StreamWriter) -> None:
                server.stop(signal.SIGQUIT)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

            there.replies = [status(204), status(204), gone]
            await there.until(3)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(put, store, *names[4:])
            await until(lambda: now_of(desk, hook).position == len(names))
        store.close()
    seen = ids(there.received)
    assert list(dict.fromkeys(seen)) == names
    assert len(seen) > len(names), "what was taken while the database was away came again"
