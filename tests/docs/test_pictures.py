"""The pictures in the docs show what is really sent."""

import json
import shutil

import pytest

from tests.notify.samples import MESSAGES
from tests.pictures.__main__ import drawn, find_browser
from tests.pictures.pictures import GOLDEN, PICTURES, Picture, mark_of, marked, page_of, size_of, source_mark
from tests.pictures.slackpage import page

BROWSER = find_browser()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_each_picture_is_drawn_from_the_payload_that_is_in_its_golden_file(picture: Picture) -> None:
    png = picture.path.read_bytes()
    assert mark_of(png) == source_mark(picture), f"{picture.golden} changed; make pictures draws it anew"
    width, height = size_of(png)
    assert width == 2 * 760
    assert 200 < height < 4000


@pytest.mark.parametrize("ending", ["slack.json", "bot.json"])
def test_every_message_to_slack_can_be_shown_word_for_word(ending: str) -> None:
    for name in MESSAGES:
        payload = json.loads((GOLDEN / f"{name}.{ending}").read_text(encoding="utf-8"))
        shown = page(payload, channel="#llm-spend", day="Today", time="16:42")
        assert "<!date" not in shown
        assert "&lt;!date" not in shown
        assert payload["blocks"][0]["type"] in ("header", "section")


def test_a_picture_of_something_unknown_is_refused_rather_than_left_out() -> None:
    with pytest.raises(ValueError, match="a block of type video"):
        page({"blocks": [{"type": "video"}]}, channel="#c", day="Today", time="16:42")


def test_what_slack_shows_as_text_stays_text_in_the_picture() -> None:
    block = {
        "type": "section",
        "text": {"type": "plain_text", "text": "<script>a & b</script> *no* <!date^1^{time}|x>"},
    }
    shown = page({"blocks": [block]}, channel="#c", day="Today", time="16:42")
    assert "&lt;script&gt;a &amp; b&lt;/script&gt; *no* &lt;!date^1^{time}|x&gt;" in shown


def test_the_mark_is_found_again_and_the_picture_stays_as_it_is() -> None:
    png = PICTURES[0].path.read_bytes()
    assert mark_of(marked(png, "another")) == "another"
    assert size_of(marked(png, "another")) == size_of(png)
    with pytest.raises(ValueError, match="no PNG"):
        mark_of(b"GIF89a")


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here; Debian's package is chromium")
def test_the_browser_draws_the_whole_message_and_nothing_more() -> None:
    assert BROWSER is not None
    assert shutil.which(BROWSER) is not None
    png = drawn(BROWSER, page_of(PICTURES[0]))
    width, height = size_of(png)
    kept = size_of(PICTURES[0].path.read_bytes())
    assert width == kept[0]
    # Other fonts break lines elsewhere.
    assert kept[1] / 2 < height < kept[1] * 2
