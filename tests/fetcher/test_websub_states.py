"""Whatever a hub does and in whatever order: it is asked now and then, and never often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.websub.links import Offer
from copydesk_fetcher.websub.subscriber import apply, backoff, failed, requested
from copydesk_shared.messages import HubState, Push

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OFFER = Offer("https://hub.example/", "https://news.example/feed.xml")
LONGEST_LEASE = 30 * 86_400

pushes = st.builds(
    lambda kind, topic, lease, reason: Push.model_construct(
        feed_id="news", kind=kind, topic=topic, received_at=START, lease_seconds=lease, reason=reason
    ),
    st.sampled_from(["verified", "denied", "content"]),
    st.sampled_from([OFFER.topic, "https://else.example/", ""]),
    st.integers(1, LONGEST_LEASE),
    st.text(max_size=400),
)
events = st.lists(
    st.tuples(st.integers(0, 7200), st.one_of(pushes, st.sampled_from(["fails", "accepts"]))), max_size=60
)


@given(events)
def test_a_hub_is_asked_now_and_then_and_never_often(happened: list[tuple[int, Push | str]]) -> None:
    now, state = START, requested(None, OFFER, "id", START)
    for seconds, event in happened:
        now += timedelta(seconds=seconds)
        is_due = state.next_request_at is not None and now >= state.next_request_at
        if isinstance(event, Push):
            heard = apply(event.model_copy(update={"received_at": now}), state)
            assert heard is not None
            state = heard
        elif is_due:
            assert now - state.requested_at >= timedelta(seconds=300)
            state = requested(state, OFFER, "id", now)
            state = failed(state, "no", now) if event == "fails" else state
        assert state.next_request_at is not None
        assert state.next_request_at <= now + timedelta(seconds=max(LONGEST_LEASE * 2 / 3, 86_400))
        assert (state.failures == 0) <= (state.last_error in (None, "not confirmed by the hub yet"))
        assert len(state.last_error or "") <= 300
        assert HubState.model_validate_json(state.model_dump_json()) == state


@given(st.integers(0, 10**9))
def test_the_wait_grows_to_a_day_and_stays_there(failures: int) -> None:
    assert 300 <= backoff(failures) <= backoff(failures + 1) <= 86_400


def test_nothing_is_made_of_what_is_not_ours() -> None:
    push = Push(feed_id="news", kind="verified", topic=OFFER.topic, received_at=START, lease_seconds=60)
    assert apply(push, None) is None
    state = requested(None, Offer(OFFER.hub, "https://news.example/other.xml"), "id", START)
    assert apply(push, state) is state
    assert apply(push.model_copy(update={"topic": "", "kind": "denied"}), state) is state
