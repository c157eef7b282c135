"""The whole story in real browsers at once: clients on a foreign site, an operator, and a supervisor.

Nobody of them calls the API: they read, tap, click and type. Only how long a form waits is set beside them.
"""

from collections.abc import AsyncIterator, Iterator
from secrets import token_hex

import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.demo.support_floor import SupportFloor
from deploy.local.stack import Stack
from tests.browser.conftest import NewPage, OpenPage
from tests.browser.findings import Findings
from tests.browser.hints import everything_loaded, hints
from tests.browser.people import Client, Operator, Supervisor
from tests.browser.stage import LONG_SECONDS, Stage
from tests.browser.widget import site

# The servers and all of these browsers share a machine with other tests.
pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(300)]
WITHIN_MS = 20_000
USUALLY_MS = 5_000

SHORT_SECONDS = 8
COMMENT = "Found my payment in two minutes"
QUESTION = "Alors, cet échange vous a-t-il aidé ?"


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=WITHIN_MS)
    yield
    expect.set_options(timeout=USUALLY_MS)


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    new_page: NewPage, open_page: OpenPage, findings: Findings, floor: SupportFloor
) -> AsyncIterator[Stage]:
    """A site whose channel no other test knows."""
    with site(floor.urls.chat, floor.urls.rating, f"academy-{token_hex(4)}") as foreign:
        ready = Stage(new_page, open_page, findings, floor, foreign)
        await ready.set_up()
        yield ready


async def test_what_clients_say_reaches_the_supervisor_and_never_the_operator(
    stage: Stage, stack: Stack
) -> None:
    operator, supervisor = await stage.operator(), await stage.supervisor()
    first = await stage.client()
    await a_client_chats_though_the_network_breaks(stage, first, operator)
    await the_client_is_asked_and_answers(first, operator, supervisor)
    second = await stage.client()
    await another_one_is_asked_while_the_supervisor_is_offline(stage, second, operator, supervisor)
    await the_supervisor_changes_what_is_asked(stage)
    await the_other_one_never_answers(second, supervisor)
    await a_third_one_is_asked_in_french_on_the_new_scale(stage, operator, supervisor)
    assert supervisor.loads == []
    await nothing_told_the_operator(stage, stack, operator, await first.chat.dialog(stage.floor.urls.chat))


async def a_client_chats_though_the_network_breaks(stage: Stage, client: Client, operator: Operator) -> None:
    await client.comes_and_writes(stage.site.origin, "Lesson 5 asks me to pay again")
    await operator.takes("Lesson 5 asks me to pay again")
    await operator.writes("I look at it, one moment")
    await client.reads("Lesson 5 asks me to pay again", "I look at it, one moment")

    async with stage.offline(client):
        await client.chat.write("I paid on Tuesday")
        await client.chat.write("By card")
        await expect(client.chat.message("By card")).to_contain_text("Not sent yet")
        await operator.writes("It was booked on your old account")
        await operator.writes("Now it is on this one")

    whole = [
        "Lesson 5 asks me to pay again", "I look at it, one moment", "It was booked on your old account",
        "Now it is on this one", "I paid on Tuesday", "By card",
    ]  # fmt: skip
    await operator.reads(*whole)
    await client.reads(*whole)
    assert await client.chat.stored(stage.floor.urls.chat) == whole


async def the_client_is_asked_and_answers(client: Client, operator: Operator, supervisor: Supervisor) -> None:
    await operator.closes()
    await expect(client.question).to_have_text("How was your conversation with us?")
    assert hints(await operator.shown()) == []
    await supervisor.sees_numbers("— satisfied", "1 closed")
    await supervisor.sees_parts("1 pending")

    await client.answers("4 of 5", "Send 4 of 5", COMMENT)
    await expect(client.form.get_by_role("region", name="What was stored")).to_contain_text(COMMENT)
    await supervisor.sees_numbers("100% satisfied", "4.0 average of 5", "1 of 1 settled")
    await supervisor.sees_parts("1 satisfied")
    await supervisor.sees_rows(["4 of 5", COMMENT, "Mira Castell"])
    assert supervisor.loads == []


async def another_one_is_asked_while_the_supervisor_is_offline(
    stage: Stage, client: Client, operator: Operator, supervisor: Supervisor
) -> None:
    await stage.expire_after(SHORT_SECONDS)
    async with stage.offline(supervisor):
        await expect(supervisor.offline).to_be_visible()
        await client.comes_and_writes(stage.site.origin, "Where is my certificate?")
        await operator.takes("Where is my certificate?")
        await operator.writes("In your profile, at the bottom")
        await operator.closes()
        await expect(client.scores).to_have_count(5)
        await supervisor.sees_numbers("100% satisfied", "1 closed")
        await supervisor.sees_rows([COMMENT])
    await expect(supervisor.live).to_be_visible()
    await supervisor.sees_numbers("2 closed")
    await supervisor.lets_newer_in()


async def the_supervisor_changes_what_is_asked(stage: Stage) -> None:
    await stage.expire_after(LONG_SECONDS)
    settings = await stage.settings()
    await settings.ask_in_french(QUESTION, scale="0 to 10", satisfied_from="7")


async def the_other_one_never_answers(client: Client, supervisor: Supervisor) -> None:
    await supervisor.sees_parts("1 expired", "1 satisfied")
    await supervisor.sees_rows(["Expired, not answered"], [COMMENT])
    await supervisor.sees_numbers("100% satisfied", "1 of 2 settled", "satisfied: 50–100%")
    await expect(client.question).to_have_text("The time to rate this chat is over")


async def a_third_one_is_asked_in_french_on_the_new_scale(
    stage: Stage, operator: Operator, supervisor: Supervisor
) -> None:
    client = await stage.client("fr-FR")
    await client.comes_and_writes(f"{stage.site.origin}/lecon", "Je ne trouve pas la leçon 6")
    await operator.takes("Je ne trouve pas la leçon 6")
    await operator.writes("Elle arrive demain matin")
    await operator.closes()
    await expect(client.chat.panel).to_contain_text("Mira Castell a mis fin à la conversation")

    await expect(client.question).to_have_text(QUESTION)
    await expect(client.scores).to_have_count(11)
    await client.answers("3 sur 10", "Envoyer 3 sur 10")
    await expect(client.question).to_have_text("Merci pour votre réponse.")
    await supervisor.lets_newer_in()
    await supervisor.sees_rows(["3 of 10"], ["Expired, not answered"], ["4 of 5", COMMENT])
    await supervisor.sees_numbers("50% satisfied", "53 average of 100, over all scales", "2 of 3 settled")
    await supervisor.sees_score("4", of="n 1, 5 stars", share="100%")
    await supervisor.sees_score("3", of="n 1, from 0 to 10", share="100%")


async def nothing_told_the_operator(stage: Stage, stack: Stack, operator: Operator, dialog: str) -> None:
    told = await operator.log.texts()
    assert "By card" in "".join(told.values())
    assert dialog in told["the streams"]
    elsewhere = [stack.addresses.services[name] for name in ("rating", "analytics")]
    assert hints({**told, **await operator.shown()}, COMMENT, *elsewhere) == []
    assert hints(await everything_loaded(stage.floor.http, stage.floor.urls.chat), *elsewhere) == []
