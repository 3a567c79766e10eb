"""When what failed is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.push.backoff import JITTER, SCHEDULE, is_given_up, wait_after
from copydesk_api.push.records import Kind, Receiver, State
from copydesk_api.push.signatures import hub_signature, new_secret, webhook_headers

HOUR = 3600


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    assert [wait_after(failures, None, 0.5) for failures in range(1, 12)] == [
        5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR,
    ]  # fmt: skip


@given(st.integers(0, 10_000), st.none() | st.floats(0, 1e9), st.floats(0, 1))
def test_chance_moves_it_a_little_and_never_below_what_was_asked(
    failures: int, asked: float | None, chance: float
) -> None:
    wait = wait_after(failures, asked, chance)
    planned = SCHEDULE[min(max(failures, 1), len(SCHEDULE)) - 1]
    assert wait >= min(asked or 0, 86_400)
    assert planned * (1 - JITTER / 2) <= wait
    assert wait <= max(planned * (1 + JITTER / 2), 86_400)


def test_days_of_failure() -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    assert not is_given_up(since, since + timedelta(days=4.9), 5)
    assert is_given_up(since, since + timedelta(days=5), 5)


def test_a_signature_as_the_specification_makes_it() -> None:
    """Worked out with OpenSSL: HMAC-SHA256 of "msg_a.1674087231.{}" with the key 0x00 to 0x1f."""
    secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    at = datetime.fromtimestamp(1674087231, UTC)
    assert webhook_headers("msg_a", at, b"{}", [secret]) == {
        "webhook-id": "msg_a",
        "webhook-timestamp": "1674087231",
        "webhook-signature": "v1,cChNp6Nl8TqKNDhoBz5le8nCtDx5AhdI0InmxM1a8RM=",
    }
    assert hub_signature(b"body", "key") == "sha256=515aae133b435d4000956731f68ae5cf5eb85d4f0dc6a546d2bfcd3595ec1ae1"


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == len("whsec_") + 44


@pytest.mark.parametrize(("until", "count"), [(None, 1), (timedelta(hours=1), 2), (timedelta(hours=-1), 1)])
def test_which_secrets_are_signed_with(until: timedelta | None, count: int) -> None:
    now = datetime.now(UTC)
    receiver = Receiver(
        receiver_id="a", kind=Kind.WEBHOOK, url="", host="", description="", events=(), filters={}, topic=None,
        secret="whsec_new", former_secret="whsec_old" if until else None, former_until=None if until is None else now + until,
        created_at=now, expires_at=None, state=State.ACTIVE, why=None, position=0, feed="", failures=0,
        failing_since=None, last_error=None, last_success_at=None, next_at=None, delivered=0, lease_owner=None,
        lease_until=None,
    )  # fmt: skip
    assert receiver.keys(now) == ["whsec_new", "whsec_old"][:count]
