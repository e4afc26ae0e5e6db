"""A destination's own words: what a template may say, what it may not, and that no alert is lost by one."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusewatch.domain.notices import Message, MessageKind, Wording
from fusewatch.notify.inownwords import InOwnWords
from fusewatch.notify.samples import KINDS
from fusewatch.notify.sheet import Moment, Sheet, sheet_lines
from fusewatch.notify.slack_payload import webhook_body
from fusewatch.notify.template import LONGEST_SOURCE
from fusewatch.notify.worded import BODY_LENGTH, BODY_LINES, TITLE_LENGTH, template_mistakes
from fusewatch.notify.words import sheet
from fusewatch.ports import Receipt
from tests.notify.samples import BERLIN, MANY, MESSAGES, REACHED, feature, message
from tests.notify.support import run
from tests.notify.test_text import HOSTILE


def worded(one: Message, title: str | None = None, body: str | None = None) -> Sheet:
    return sheet(replace(one, wording=Wording(title, body)))


def lines(one: Message, title: str | None = None, body: str | None = None) -> list[str]:
    return [line.strip() for line in sheet_lines(worded(one, title, body), zone=BERLIN)]


def told(source: str) -> str:
    return "\n".join(map(str, template_mistakes(source)))


# ---------------------------------------------------------------- what a template says


def test_a_title_takes_the_place_of_our_headline_and_leaves_the_rest() -> None:
    own, theirs = lines(MESSAGES["budget_reached"]), lines(MESSAGES["budget_reached"], "[LLM spend] {{ headline }}")
    assert theirs[0] == "● [LLM spend] content-team reached 100 % of its daily budget: $50.31 of $50.00"
    assert theirs[1:] == own[1:]


def test_a_body_takes_the_place_of_all_between_the_headline_and_the_links() -> None:
    own, theirs = lines(MESSAGES["group_of_37"]), lines(MESSAGES["group_of_37"], body="{{ count }} of them.")
    assert theirs[0] == own[0]
    assert theirs[1:] == ["37 of them.", *own[-2:]]


def test_our_own_lines_can_be_put_into_a_body_with_words_around_them() -> None:
    one = MESSAGES["group_of_3"]
    theirs = lines(one, body="cc finance\n{{ lines|join('\n') }}\nbye")
    assert theirs == [lines(one)[0], "cc finance", *lines(one)[1:-3], "bye", *lines(one)[-3:]]


def test_the_values_of_a_notice_have_names() -> None:
    source = (
        "{{ n.rule }}|{{ n.subject }}|{{ n.group }}|{{ n.labels.feature }}|{{ n.labels.team }}|{{ n.severity }}"
        "|{{ n.reason }}|{{ n.measured }}|{{ n.limit }}|{{ n.over }}|{{ n.left }}|{{ n.used }}|{{ n.used_percent }}"
        "|{{ n.threshold }}|{{ n.period }}|{{ n.measured_amount|money }}|{{ n.unit }}"
    ).replace("n.", "notice.")
    assert lines(MESSAGES["budget_keyed"], source)[0] == (
        "● each-feature|summarization (each-feature)|feature=summarization|summarization||critical|opened|$75.20|$75.00"
        "|$0.20|$0|100 %|100|100 %|day|$75.20|usd"
    )


def test_a_time_stays_a_moment_so_that_everybody_reads_their_own_zone() -> None:
    shown = worded(MESSAGES["budget_reached"], "since {{ notice.opened_at }}, ends {{ notice.period_end|upper }}!")
    incident = REACHED.incident
    assert shown.headline == ("since ", Moment(incident.opened_ms), ", ends ", Moment(incident.period_end_ms), "!")
    body = webhook_body(replace(MESSAGES["budget_reached"], wording=Wording("at {{ notice.as_of }}", None)), BERLIN)
    assert f"at <!date^{REACHED.as_of_ms // 1000}^{{time_secs}}|16:41:48>".encode() in body


def test_a_notice_stands_for_the_whole_message_only_where_it_is_all_of_it() -> None:
    source = "{% if notice %}{{ notice.rule }}{% else %}none{% endif %}"
    alone = {name for name in MESSAGES if "none" not in lines(MESSAGES[name], source)[0]}
    assert {"budget_reached", "spike", "drift"} <= alone
    assert not {"group_of_3", "start", "readable", "summary_of_one", "digest_day", "unreadable"} & alone


def test_loops_and_conditions_work_as_in_jinja() -> None:
    source = (
        "{% for n in notices if n.used_percent > 200 %}{{ loop.index }}/{{ loop.length }} {{ n.labels.feature }}"
        "{% if not loop.last %}, {% endif %}{% else %}nobody{% endfor %}"
    )
    assert lines(MESSAGES["group_of_37"], source)[0].startswith("● 1/10 feature-00, 2/10 feature-01, ")
    assert lines(MESSAGES["group_of_3"], source)[0] == "● nobody"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 1234.5|money }} {{ 1204311|number }} {{ 0.25|number }}", "$1,234.50 1,204,311 0.25"),
        (
            "{{ severity|upper }} {{ 'SOME Words'|lower }} {{ 'some Words'|capitalize }}",
            "CRITICAL some words Some Words",
        ),
        ("{{ ['a', 'b']|join('+') }} {{ ['a', 'b']|first }}{{ ['a', 'b']|last }}{{ []|first }}", "a+b ab"),
        ("{{ 'a.b.c'|replace('.', '-') }} {{ 'abcdef'|truncate(4) }} {{ '  x '|trim }}", "a-b-c abc… x"),
        ("{{ link|default('none')|length }} {{ ''|default('-') }} {{ nothing_here|default('-') }}", "30 - -"),
        ("{{ 'yes' if severity == 'critical' else 'no' }} {{ kind in ['notices', 'start'] }}", "yes True"),
        ("{{ 'a' ~ 1 ~ none }}", "a1None"),
    ],
)
def test_each_filter_does_what_the_docs_say(source: str, text: str) -> None:
    if "nothing_here" in source:
        assert "there is no `nothing_here`" in told(source)
        source = source.replace("nothing_here", "none")
    assert lines(MESSAGES["budget_reached"], source)[0] == f"● {text}"


def test_a_title_that_comes_out_empty_leaves_ours_and_an_empty_body_is_no_body() -> None:
    own = lines(MESSAGES["budget_reached"])
    assert lines(MESSAGES["budget_reached"], "{% if digest %}x{% endif %}", "") == [own[0], *own[-3:]]


def test_a_sample_stays_marked_whatever_the_template_says() -> None:
    shown = lines(MESSAGES["sample_escalated"], "{{ notice.subject }}", "{{ kind }}")
    assert shown[0] == "● Test message, nothing happened: content-team"
    assert shown[1:3] == ["Nothing is wrong and nothing was spent: a sample with made-up numbers.", "notices"]


def test_a_notifier_in_its_own_words_hands_on_the_words_the_receipt_and_the_pace() -> None:
    class Listener:
        min_interval_s = 1.5
        heard: list[Message]

        def __init__(self) -> None:
            self.heard = []

        async def send(self, message: Message) -> Receipt:
            self.heard.append(message)
            return Receipt("42")

        async def close(self) -> None:
            self.heard.clear()

    listener = Listener()
    notifier = InOwnWords(listener, Wording("a", "b"))
    assert notifier.min_interval_s == 1.5
    assert run(notifier.send(MESSAGES["spike"])) == Receipt("42")
    assert listener.heard == [replace(MESSAGES["spike"], wording=Wording("a", "b"))]
    run(notifier.close())
    assert listener.heard == []


# ---------------------------------------------------------------- what it may not


WRONG = [
    ("{{ notice.rulee }}", "line 1: nothing has a `rulee`; did you mean `rule`?"),
    ("{{ headlin }}", "line 1: there is no `headlin`; did you mean `headline`?"),
    ("a\n{{ headline|uper }}", "line 2: there is no filter `uper`; did you mean `upper`?"),
    ("{{ kind is odd }}", "line 1: there is no test `odd`; use == or one of: defined, undefined, none"),
    (
        "{{ notice.rule }}",
        "in the samples watches, many, start, unreadable, readable, summary, digest); guard it, as in",
    ),
    ("{{ gap.since }}", "in the samples opened, escalated, spike, forecast, resolved, watches, many, start, summary"),
    ("{{ notices[0].rule }}", "line 1: the list is shorter (in the samples unreadable, digest); guard it"),
    ("{{ notices }}", "line 1: a list is no text; write … | join(', ') or a loop"),
    ("{% for n in notices %}{{ n }}{% endfor %}", "a notice is no text; write one of its values, such as notice.rule"),
    ("{{ severity > 3 }}", "line 1: '>' not supported between instances of 'str' and 'int'"),
    ("{{ severity|money }}", "line 1: the filter money takes a number, as measured_amount is one"),
    ("{{ headline", "line 1: unexpected end of template, expected 'end of print statement'; what is opened with {{"),
    ("{% if notice %}x", "what is opened with {{ or {% is closed"),
    ("{% set x = 1 %}", "line 1: a template sets no variables"),
    ("{% include 'x' %}", "line 1: include is not allowed in a template"),
    ("{% trans %}", "unknown tag 'trans'; use {{ … }}"),
]


@pytest.mark.parametrize(("source", "says"), WRONG)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(source: str, says: str) -> None:
    assert says in told(source)


def test_a_mistake_in_a_branch_that_no_sample_takes_is_found_too() -> None:
    assert "nothing has a `masured`" in told("{% if severity == 'never' %}{{ notice.masured }}{% endif %}")


def test_labels_may_have_any_name_because_dimensions_are_the_users_own() -> None:
    source = "{% for n in notices %}{{ n.labels.tenant_of_mine|default('-') }}{{ n.owner.pager }}{% endfor %}"
    assert told(source) == ""


ESCAPES = [
    "{{ headline.__class__.__mro__ }}",
    "{{ notices.__class__ }}",
    "{{ notice['__class__'] }}",
    "{{ notice.labels.__class__ }}",
    "{{ headline|attr('__class__') }}",
    "{{ ''.join.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ self.__init__ }}",
    "{{ loop.__class__ }}",
    "{{ _steps }}",
    "{% for _steps in notices %}{% endfor %}",
    "{{ lipsum(1000000) }}",
    "{% for loop in notices %}{% endfor %}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_can_be_reached_but_the_values(source: str) -> None:
    found = told(source)
    shown = lines(MESSAGES["group_of_3"], source)[0]
    assert found or shown == lines(MESSAGES["group_of_3"])[0]
    assert not {"class", "built-in", "<"} & set(shown.split())


ENDLESS = [
    "{{ 10**10**9 }}",
    "{{ 'x' * 10**9 }}",
    "{% for i in range(10**9) %}{% endfor %}",
    "{{ 'x'|center(1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{% for a in notices %}{% for b in notices %}{% for c in notices %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in headline %}{% endfor %}",
    "{{ " + "-" * 3000 + "1 }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ headline" + "|replace('e', 'eeeeeeeeee')" * 12 + " }}",
    "{{ headline" + "|replace('e', 'eeeeeeeeee')" * 200 + " }}",
    "{{ lines|join('x'*99999) }}",
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ headline }}" * 1000,
]


@pytest.mark.parametrize("source", ENDLESS)
def test_what_would_never_end_is_refused_at_once(source: str) -> None:
    began = time.process_time()
    assert told(source) != ""
    assert time.process_time() - began < 2.0


def test_a_template_is_bounded_in_its_length() -> None:
    assert told("x" * LONGEST_SOURCE) == ""
    assert "it has 8,001 characters; write at most 8,000" in told("x" * (LONGEST_SOURCE + 1))


def test_what_is_written_is_cut_to_what_a_message_can_show() -> None:
    shown = worded(
        message(*MANY), "t" * 1000, "{% for n in notices %}\n{{ n.headline }} " + "y" * 90 + "\n{% endfor %}"
    )
    assert sum(len(piece) for piece in shown.headline if isinstance(piece, str)) == TITLE_LENGTH
    text = ["".join(piece for piece in line if isinstance(piece, str)) for line in shown.body]
    assert BODY_LENGTH * 0.9 < sum(map(len, text)) <= BODY_LENGTH + 2
    assert text[-1].endswith("…")
    many = worded(message(*MANY), None, "{% for n in notices %}\na\nb\n{% endfor %}")
    assert len(many.body) == BODY_LINES
    assert many.body[-1] == ("b", " …")


# ---------------------------------------------------------------- a template that fails


def test_a_template_that_fails_while_sending_loses_no_alert_and_says_so() -> None:
    own = lines(MESSAGES["digest_day"])
    theirs = lines(MESSAGES["digest_day"], "fine", "{{ notice.rule }}")
    failed = [line for line in theirs if line not in own]
    assert [line for line in theirs if line in own] == own
    assert failed == [
        "The template of this destination failed (body, line 1: there is no `rule` here, as this message has nothing of"
        " the kind; guard it, as in {% if notice %}…{% else %}{{ headline }}{% endif %})."
    ]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200)), min_size=1, max_size=4),
    st.sampled_from(["{{ headline }}", "{{ notices[0].subject }} {{ notices[0].group }}", "{{ lines|join(' ') }}"]),
)
def test_what_came_from_outside_is_as_clean_and_escaped_in_a_template_as_in_our_own_words(
    names: list[str], source: str
) -> None:
    one = message(*(feature(n, "76", name=name or "x") for n, name in enumerate(names)))
    shown = worded(one, source, source)
    for line in (shown.headline, *shown.body):
        for piece in line:
            assert isinstance(piece, Moment) or (piece.isprintable() and "\n" not in piece)
    body = webhook_body(replace(one, wording=Wording(source, source)), BERLIN)
    assert b"<!channel" not in body
    assert b"<@U" not in body


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("{}%# abn.|()[]'\"=~-_0if for endif notices notice headline in"), max_size=80))
def test_whatever_somebody_writes_the_message_goes_out(source: str) -> None:
    for name in ("budget_reached", "group_of_3", "digest_day"):
        assert sheet_lines(worded(MESSAGES[name], source, source), zone=BERLIN)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_template_that_passes_the_check_works_for_every_message_there_is(name: str) -> None:
    title = "{% if notice %}{{ notice.subject }}: {{ notice.used }}{% else %}{{ headline }}{% endif %}"
    body = "{% for n in notices %}\n{{ n.headline }} {{ n.as_of }}{{ n.forecast }}\n{% endfor %}{{ lines|join('\n') }}"
    assert told(title) == told(body) == ""
    assert "failed" not in "\n".join(lines(MESSAGES[name], title, body))


def test_a_check_tries_every_kind_of_message() -> None:
    assert {MESSAGES[f"sample_{name}"].sample_of for name in KINDS} == set(MessageKind) - {
        MessageKind.SAMPLE,
        MessageKind.UPDATE,
    }
