"""The pages of the webhooks: what they show and do, who may, and what axe says of them."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from copydesk_api.app import create_app
from copydesk_api.push.records import CHOOSABLE, Attempt, Cause, Event, Kind, Message, Outcome
from copydesk_api.push.signatures import new_secret
from copydesk_api.store import Store
from tests.api.pushing import desk_of, replica, settings, told
from tests.api.servers import serving
from tests.api.target import status, target
from tests.api.test_operating_pages import PHONE, assert_accessible, open_page
from tests.api.test_webhooks import ADMIN, admin, make, put, until_delivered

PAGE = {"accept": "text/html"}
FORM = {**PAGE, "content-type": "application/x-www-form-urlencoded"}


async def test_an_empty_list_and_who_may_look(store: Store) -> None:
    async with admin(store) as client:
        assert "No webhooks yet" in (await client.get("/webhooks", headers=PAGE)).text
        stranger = await client.get("/webhooks", headers={**PAGE, "authorization": ""})
        assert (stranger.status_code, stranger.headers["location"]) == (303, "/login?next=%2Fwebhooks")
        assert (await client.get("/webhooks/none", headers=PAGE)).status_code == 404
        writer = (await client.post("/v1/keys", json={"name": "a writer", "scope": "write"})).json()["token"]
        for method, path in (("GET", "/webhooks"), ("GET", "/webhooks/x"), ("POST", "/webhooks/x/test")):
            refused = await client.request(method, path, headers={**PAGE, "authorization": f"Bearer {writer}"})
            assert refused.status_code == 403, path
    async with admin(store, webhooks=False) as client:
        assert "COPYDESK_API_WEBHOOKS" in (await client.get("/webhooks", headers=PAGE)).text


async def test_what_fails_is_shown_and_tried_paused_and_passed_by(store: Store) -> None:
    put(store, "poison", "b")
    async with admin(store) as client, target(status(500, "<b>no</b>")) as there, replica(store):
        made = await make(client, there, after="beginning", description="The <archive>")
        place = f"/webhooks/{made['webhook_id']}"
        await until_delivered(client, f"/v1{place}", 2)
        listed = (await client.get("/webhooks", headers=PAGE)).text
        assert "The &lt;archive&gt;" in listed
        assert 'class="state failing"' in listed
        shown = await client.get(place, headers=PAGE)
        assert "it answered 500: &lt;b&gt;no&lt;/b&gt;" in shown.text
        assert shown.headers["cache-control"] == "no-store"
        assert made["secret"] not in shown.text
        paused = await client.post(f"{place}/state", content="state=paused", headers=FORM)
        assert (paused.status_code, paused.headers["location"]) == (303, place)
        assert (await client.get(f"/v1{place}")).json()["state"] == "paused"
        assert (await client.post(f"{place}/state", content="state=gone", headers=FORM)).status_code == 400
        there.reply = status(204)
        after = re.findall(r'name="after" value="([^"]+)"', shown.text)[0]
        assert (await client.post(f"{place}/replay", content=f"after={after}", headers=FORM)).status_code == 303
        assert (await client.post(f"{place}/replay", content="after=x", headers=FORM)).status_code == 400
        await client.post(f"{place}/state", content="state=active", headers=FORM)
        async with asyncio.timeout(60):
            while told(there.received[-1])["data"].get("article_id") != "b":
                await asyncio.sleep(0.02)


async def test_a_test_and_a_delivery_are_sent_and_what_came_of_it_is_told(store: Store) -> None:
    put(store, "a")
    async with admin(store) as client, target() as there, replica(store):
        made = await make(client, there, after="beginning")
        place = f"/webhooks/{made['webhook_id']}"
        await until_delivered(client, f"/v1{place}", 1)
        tested = await client.post(f"{place}/test", headers=FORM)
        assert tested.headers["location"] == f"{place}?sent=2"
        assert (
            "Delivery 2 was sent: delivered, answered 204"
            in (await client.get(tested.headers["location"], headers=PAGE)).text
        )
        again = await client.post(f"{place}/deliveries/1/replay", headers=FORM)
        assert (again.status_code, again.headers["location"]) == (303, f"{place}?sent=3")
        assert there.received[-1].headers["webhook-id"] == there.received[0].headers["webhook-id"]
        assert (await client.post(f"{place}/deliveries/99/replay", headers=FORM)).status_code == 404
        cross = {**FORM, "authorization": "", "sec-fetch-site": "cross-site"}
        assert (await client.post(f"{place}/test", headers=cross)).status_code == 403


def failing_webhook(store: Store) -> str:
    """One that has taken a change and then has not; its id."""
    receivers = desk_of(store).receivers
    values = {"url": f"https://newsroom.example/{'hook/' * 20}", "host": "newsroom.example", "secret": new_secret(),
              "events": list(CHOOSABLE), "filters": {"tag": ["conflict", "aviation"], "language": "en"}}  # fmt: skip
    made = receivers.add(Kind.WEBHOOK, values, 0)
    for outcome in (Outcome.DELIVERED, Outcome.REJECTED):
        detail = None if outcome is Outcome.DELIVERED else "it answered 500: " + "no " * 80
        sent = Attempt(outcome, 204 if detail is None else 500, 12, detail)
        receivers.note(made.receiver_id, Message("msg_1", Event.PUBLISHED, {}, b"", 1, "a"), sent, Cause.FEED)
    receivers.change(made.receiver_id, {"failures": 3, "failing_since": made.created_at, "last_error": detail})
    return made.receiver_id


@pytest.mark.browser
@pytest.mark.parametrize(("colours", "width"), [("light", PHONE), ("dark", 1280)])
def test_an_admin_pauses_by_keyboard_and_axe_finds_nothing(
    browser: Browser, tmp_path: Path, colours: str, width: int
) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    put(store, "a")
    name = failing_webhook(store)
    with serving(create_app(store, settings(admin_key=ADMIN))) as site:
        size = {"width": width, "height": 844}
        page = open_page(browser, [], color_scheme=colours, viewport=size, bypass_csp=True)
        page.goto(f"{site}/webhooks")
        page.get_by_label("API key").fill(ADMIN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/webhooks")
        assert_accessible(page)
        page.get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/webhooks/{name}")
        assert_accessible(page)
        page.get_by_role("button", name="Pause").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Let it go on")).to_be_visible()
        expect(page.get_by_role("button", name="Send delivery 2 again")).to_be_visible()
        page.context.close()
    store.close()
