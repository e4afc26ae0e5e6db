"""The page in a real browser over a real daemon: found, filtered, followed, silenced, acknowledged; with the keyboard,
without scripts, on a phone, in the dark; and nothing that axe-core calls serious."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from tests.browser.chromium import launched
from tests.browser.shop import TOKEN, open_shop
from tests.process.home import Daemon

AXE = Path(__file__).parents[1] / "web" / "assets" / "axe-core-4.14.1" / "axe.min.js"
SPIKE = "twice-the-average"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with open_shop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as found:
        yield found


@dataclass
class Visit:
    """A page that is open, and what the browser had to say of it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def axe(self) -> list[str]:
        """What axe-core finds that is serious or critical. It runs beside the page, outside of its policy."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


@contextmanager
def visit(browser: Browser, daemon: Daemon, **options: object) -> Iterator[Visit]:
    """A browser without a past. At its end it has complained of nothing and asked no other host."""
    context = browser.new_context(base_url=daemon.url, **options)  # type: ignore[arg-type]  # fields by name
    found = Visit(context.new_page())
    host = urlsplit(daemon.url).netloc

    def watched(route: Route) -> None:
        if urlsplit(route.request.url).netloc != host:
            found.elsewhere.append(route.request.url)
        route.continue_()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.complaints.append(message.text)

    context.route("**/*", watched)
    found.page.on("console", heard)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    try:
        yield found
        assert found.complaints == []
        assert found.elsewhere == []
    finally:
        context.close()


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("may change")).to_be_visible()


def test_the_page_answers_its_three_questions_from_top_to_bottom(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        seen.page.goto("/")
        titles = [re.sub(r"\?.*", "?", one) for one in seen.page.locator("h2").all_inner_texts()]
        questions = ["Is anything wrong?", "Where do we stand?", "Where does the money go?"]
        assert [title for title in titles if title in questions] == questions
        expect(seen.page.locator("#chart canvas")).to_be_visible()
        expect(seen.page.get_by_role("table", name="Spend by feature")).to_contain_text("summarization")


def test_one_click_splits_the_money_otherwise_and_the_address_says_so(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        seen.page.goto("/")
        choice = seen.page.get_by_role("navigation", name="Split by")
        choice.get_by_role("link", name="model", exact=True).click()
        assert "by=model" in seen.page.url
        table = seen.page.get_by_role("table", name="Spend by model")
        expect(table).to_contain_text("gpt-4o")
        table.get_by_role("link", name="gpt-4o", exact=True).click()
        assert "model=gpt-4o" in seen.page.url
        expect(seen.page.get_by_role("list", name="Filters")).to_contain_text("gpt-4o")
        seen.page.get_by_role("link", name="Remove the filter model = gpt-4o").click()
        assert "model=" not in seen.page.url
        choice.get_by_role("link", name="user", exact=True).click()
        expect(seen.page.get_by_role("table", name="Spend by user")).to_contain_text("user-4711")


def test_an_incident_is_followed_silenced_and_acknowledged(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        page = seen.page
        log_in(page)
        assert TOKEN not in page.url
        assert TOKEN not in str(page.context.cookies())
        (cookie,) = page.context.cookies()
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
        assert page.evaluate("document.cookie") == ""
        incident = page.locator("#wrong details", has_text=SPIKE).first
        incident.locator("summary").click()
        expect(incident).to_contain_text("What drove it")
        expect(incident).to_contain_text("gpt-4o")
        silence = incident.locator("form", has=page.get_by_role("button", name="Silence"))
        silence.get_by_label("for").select_option("4h")
        silence.get_by_label("Why").fill("known: the new <b>model</b>")
        silence.get_by_label("Your name").fill("Ana")
        silence.get_by_role("button", name="Silence").click()
        expect(page.get_by_text("It is silenced")).to_be_visible()
        expect(page.locator("#silences")).to_contain_text("known: the new <b>model</b>")
        incident = page.locator("#wrong details", has_text=SPIKE).first
        expect(incident).to_contain_text("silenced until")
        expect(incident).to_have_attribute("open", "")
        acknowledge = incident.locator("form", has=page.get_by_role("button", name="Acknowledge"))
        acknowledge.get_by_label("Your name").fill("Ana")
        acknowledge.get_by_role("button", name="Acknowledge").click()
        expect(page.locator("#wrong details", has_text=SPIKE).first).to_contain_text("acknowledged by Ana")
        assert seen.axe() == []
        page.get_by_role("button", name="End it").click()
        expect(page.get_by_text("The silence has ended.")).to_be_visible()
        expect(page.locator("#silences")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
        assert page.context.cookies() == []


def test_a_wrong_token_opens_nothing(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        seen.page.goto("/login")
        seen.page.get_by_label("Token").fill("guess")
        seen.page.get_by_role("button", name="Log in").click()
        expect(seen.page.get_by_role("alert")).to_have_text("That token opens nothing here.")
        assert seen.page.context.cookies() == []
        assert seen.axe() == []
        seen.complaints.clear()  # the browser reports the 401 itself


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, daemon: Daemon, scheme: str) -> None:
    with visit(browser, daemon, color_scheme=scheme) as seen:
        for address in ("/", "/?period=7d&by=model&feature=summarization&severity=warning", "/?by=nonsense", "/login"):
            seen.page.goto(address)
            for details in seen.page.locator("details > summary").all():
                details.click()
            assert seen.axe() == [], address


@pytest.mark.parametrize("address", ["/", "/?period=30d&by=user"])
def test_a_phone_shows_all_of_it_without_moving_sideways(browser: Browser, daemon: Daemon, address: str) -> None:
    with visit(browser, daemon, viewport={"width": 360, "height": 740}) as seen:
        seen.page.goto(address)
        for details in seen.page.locator("details > summary").all():
            details.click()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_every_table_and_filter_is_there(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon, java_script_enabled=False) as seen:
        page = seen.page
        page.goto("/")
        page.get_by_role("navigation", name="Split by").get_by_role("link", name="team", exact=True).click()
        expect(page.get_by_role("table", name="Spend by team")).to_contain_text("content")
        page.locator("#over-time > summary").click()
        expect(page.get_by_role("table", name="Spend by hour and team")).to_be_visible()
        incident = page.locator("#wrong details", has_text=SPIKE).first
        incident.locator("summary").click()
        expect(incident.get_by_text("What drove it")).to_be_visible()
        log_in(page)
        expect(page.get_by_role("button", name="Silence").first).to_be_hidden()
        page.locator("#wrong details", has_text=SPIKE).first.locator("summary").click()
        expect(page.get_by_role("button", name="Silence").first).to_be_visible()


def test_the_keyboard_reaches_what_is_wrong_and_unfolds_it(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        page = seen.page
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to what is wrong")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        first = page.locator("#wrong details").first
        expect(first.locator("summary")).to_be_focused()
        page.keyboard.press("Enter")
        expect(first).to_have_attribute("open", "")


def test_bringing_it_up_to_date_keeps_what_is_unfolded_and_the_focus(browser: Browser, daemon: Daemon) -> None:
    with visit(browser, daemon) as seen:
        page = seen.page
        page.clock.install()
        page.goto("/")
        summary = page.locator("#wrong details").first.locator("summary")
        summary.click()
        canvas = page.locator("#chart canvas").element_handle()
        before = page.locator("#foot").inner_text()
        time.sleep(1.1)  # the page says as of which second it is
        with page.expect_response(lambda answer: urlsplit(answer.url).path == "/"):
            page.clock.fast_forward(61_000)
        expect(page.locator("#foot")).not_to_have_text(before)
        expect(page.locator("#wrong details").first).to_have_attribute("open", "")
        expect(page.locator("#wrong details").first.locator("summary")).to_be_focused()
        assert canvas is not None
        assert canvas.evaluate("one => one.isConnected"), "the chart was drawn again although nothing changed"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/?by=colour", "“colour” is no by; known are"),
        ("/?period=century", "“century” is no period; known are today, 24h, 7d, 30d, month."),
        ("/?from=yesterday", "“yesterday” is no date; write it as 2026-11-24."),
        ("/?featur=x", "“featur” is no filter here, did you mean feature?"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_what_would(
    browser: Browser, daemon: Daemon, address: str, said: str
) -> None:
    with visit(browser, daemon) as seen:
        seen.page.goto(address)
        expect(seen.page.locator("#notices")).to_contain_text(said)
        expect(seen.page.get_by_role("heading", name="Where do we stand?")).to_be_visible()
