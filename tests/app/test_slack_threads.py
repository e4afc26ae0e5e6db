"""What a Slack channel shows over the life of an incident: one message that is kept up to date, its news below it."""

import sqlite3
from contextlib import closing

import pytest

from tests.app.conftest import Play
from tests.app.slackdesk import HEADER, slack_desk
from tests.app.stage import Stage
from tests.app.test_forget import ALICE, files_with, forget
from tests.notify.workspace import FILES, HISTORY, Said, Trouble, Workspace

DAILY = HEADER + "budgets:\n  - {name: teams, each: [team], limit: $10, every: day}\n"


def told(workspace: Workspace, root: Said) -> list[str]:
    """The replies in a thread; those that the channel is shown too end with a sign."""
    return [f"{reply.headline}{' ^' if reply.broadcast else ''}" for reply in workspace.replies(root)]


def test_an_escalation_changes_the_message_and_is_told_in_its_thread_and_the_channel(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    (root,) = slack.roots
    assert root.headline == "● a (teams) reached 80 % of its daily budget: $8.00 of $10.00"
    stage.spend("3", at="08:10", team="a")
    stage.at("08:11")
    (root,) = slack.roots
    assert root.headline == "● a (teams) reached 100 % of its daily budget: $11.00 of $10.00"
    assert told(slack, root) == ["● a (teams) reached 100 % of its daily budget: $11.00 of $10.00 ^"]
    assert [call for call, _ in slack.calls if "chat" in call] == [
        "chat.postMessage",
        "chat.update",
        "chat.postMessage",
    ]


def test_a_resolution_turns_the_message_green_and_stands_in_its_thread(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    span = stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    stage.update(span, at="07:20", usd="2")
    stage.at("07:25")
    (root,) = slack.roots
    assert root.headline.startswith("✓ a (teams) is below its budget again: $2.00 of $10.00")
    (reply,) = told(slack, root)
    assert reply.startswith("✓ a (teams) is below its budget again")


def test_one_message_with_many_keys_shows_for_each_how_it_stands_now(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    spans = {team: stage.spend("11", at="07:10", team=team) for team in "abcde"}
    stage.at("07:11")
    stage.update(spans["b"], at="07:40", usd="2")
    stage.spend("10", at="07:40", team="d")
    stage.at("07:45")
    (root,) = slack.roots
    assert root.headline == "● 4 teams over their daily budget, 1 of them more than twice; 1 resolved"
    assert "✓ b (teams) below again: $2.00 of $10.00 a day" in root.text
    assert "● d (teams) 210 %: $21.00 of $10.00 a day" in root.text
    (reply,) = slack.replies(root)
    assert reply.headline.startswith("● 1 budget over its limit")


def test_an_incident_over_the_same_rows_joins_the_thread_within_fifteen_minutes(play: Play) -> None:
    stage = play(DAILY + "  - {name: hourly, each: [team], limit: $30, every: hour}\n")
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    stage.spend("30", at="07:20", team="a")
    stage.spend("30", at="07:20", team="b")
    stage.at("07:25")
    assert len(slack.roots) == 2
    first, second = slack.roots
    assert any("a (hourly) reached 100 %" in reply.text and reply.broadcast for reply in slack.replies(first))
    assert "a (hourly)" in first.text
    assert "b (hourly)" in second.text


def test_after_fifteen_minutes_it_is_a_message_of_its_own(play: Play) -> None:
    stage = play(DAILY + "  - {name: hourly, each: [team], limit: $30, every: hour}\n")
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("9", at="07:10", team="a")
    stage.at("07:11")
    stage.spend("24", at="07:30", team="a")
    stage.at("07:31")
    assert len(slack.roots) == 2


def test_what_repeats_is_shown_to_the_channel_from_the_thread(play: Play) -> None:
    stage = play(DAILY + "repeat: {critical: 4h}\n")
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11", "11:11")
    (root,) = slack.roots
    assert told(slack, root) == ["● a (teams) is still at 110 % of its daily budget: $11.00 of $10.00 ^"]


@pytest.mark.parametrize("gone", ["deleted", "edit_window_closed"])
def test_news_about_a_message_that_cannot_be_changed_are_a_new_message(play: Play, gone: str) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    if gone == "deleted":
        slack.delete(slack.roots[0])
    slack.editable = gone == "deleted"
    stage.spend("3", at="08:10", team="a")
    stage.at("08:11")
    assert slack.roots[-1].headline.startswith("● a (teams) reached 100 %")
    slack.editable = True
    stage.spend("10", at="08:30", team="a")
    stage.at("08:31")
    assert slack.roots[-1].headline.startswith("● a (teams) reached 200 %"), "the new one is kept up to date"
    assert len(slack.roots) == (1 if gone == "deleted" else 2)


@pytest.mark.parametrize("code", ["missing_scope", "cant_update_message", "an_error_of_tomorrow"])
def test_news_do_not_wait_for_a_message_that_slack_will_not_change(play: Play, code: str) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    slack.befalls("chat.update", Trouble("refuse", code))
    stage.spend("3", at="08:10", team="a")
    stage.at("08:11")
    assert slack.roots[-1].headline.startswith("● a (teams) reached 100 %")


def test_a_token_that_fails_loses_no_thread(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    slack.befalls("chat.update", Trouble("refuse", "token_revoked"))
    stage.spend("3", at="08:10", team="a")
    stage.at("08:11")
    assert [attempt.reason for attempt in stage.attempts][-1] == "token_revoked"
    stage.spend("10", at="08:20", team="a")
    stage.at("08:21")
    (root,) = slack.roots
    assert root.headline.startswith("● a (teams) reached 200 %")


@pytest.mark.parametrize(("scopes", "posted"), [(HISTORY, 1), ((), 2)])
def test_a_lost_answer_posts_twice_only_where_the_bot_may_not_look(
    play: Play, scopes: tuple[str, ...], posted: int
) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage, Workspace(scopes=scopes))
    stage.at("06:00")
    stage.spend("8", at="06:10", team="z")
    stage.at("06:11", "06:59")  # from now on the channel's id is known
    slack.befalls("chat.postMessage", Trouble("lose"))
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11", "07:20")
    assert sum(1 for root in slack.roots if "a (teams)" in root.text) == posted


def test_a_call_that_never_arrived_is_made_again_without_looking(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage, Workspace(scopes=HISTORY))
    stage.at("06:59")
    slack.befalls("chat.postMessage", Trouble("drop"), Trouble("status", "429"))
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11", "07:20", "07:30")
    assert len(slack.roots) == 1
    assert "conversations.history" not in [call for call, _ in slack.calls]


def test_a_process_that_ends_anywhere_loses_no_news_and_leaves_the_message_right(play: Play) -> None:
    for fatal in range(1, 14):
        stage = play(DAILY)
        slack = slack_desk(stage, Workspace(scopes=HISTORY))
        stage.at("06:59")
        stage.spend("8", at="07:10", team="a")
        stage.at("07:11")
        stage.spend("3", at="08:10", team="a")
        stage.runner.done, stage.runner.fatal = 0, fatal
        stage.runner.after_commit = fatal % 2 == 0
        stage.dies(lambda: stage.at("08:11"))  # noqa: B023 - it runs here
        stage.restart()
        stage.at("08:12", "08:20", "08:40")
        (root,) = slack.roots
        assert root.headline.startswith("● a (teams) reached 100 %"), fatal
        assert len(slack.replies(root)) == 1, fatal


def test_a_project_that_is_read_again_says_so_where_it_was_told_unreadable(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.langfuse_down()
    stage.every(5, "07:40")
    (root,) = slack.roots
    assert "cannot be read since" in root.headline
    stage.langfuse_up()
    stage.every(5, "07:55")
    (root,) = slack.roots
    assert "is read again since" in root.headline
    assert len(slack.replies(root)) == 1


def test_a_bot_that_may_share_files_adds_a_picture_of_the_last_day_to_the_thread(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage, Workspace(scopes=FILES))
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    ((title, content, thread),) = slack.files
    assert (title, thread) == ("Last 24 h of teams", slack.roots[0].ts)
    assert content.startswith(b"\x89PNG")
    stage.spend("3", at="08:10", team="a")
    stage.at("08:11")
    assert len(slack.files) == 1, "one for each message, not for each reply"


def test_a_bot_that_may_not_is_asked_once(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    stage.spend("8", at="08:10", team="b")
    stage.at("08:11")
    assert len(slack.roots) == 2
    assert [call for call, _ in slack.calls].count("files.getUploadURLExternal") == 1


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload/1", "files.completeUploadExternal"])
@pytest.mark.parametrize("kind", ["drop", "lose", "refuse", "status"])
def test_a_picture_that_fails_fails_nothing_else_and_is_not_tried_again(play: Play, method: str, kind: str) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage, Workspace(scopes=FILES))
    stage.at("06:59")
    slack.befalls(method, Trouble(kind, "500" if kind == "status" else "internal_error"))
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11", "07:30", "08:30")
    assert len(slack.roots) == 1
    assert [attempt.outcome.value for attempt in stage.attempts][-1] == "sent"
    assert [call for call, _ in slack.calls].count("files.getUploadURLExternal") == (
        0 if "get" in method and kind == "drop" else 1
    )
    assert stage.store.deliver(lambda unit: unit.next_due(["slack"])) is None


def test_a_period_that_ends_changes_the_message_in_place_and_says_nothing(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.spend("12", at="07:10", team="b")
    stage.at("07:11", "11-19 00:01")
    (root,) = slack.messages
    assert root.headline == "○ 2 over with their periods"
    assert "○ a (teams) starts a new period; the last one ended at $11.00 of $10.00" in root.text
    stage.spend("11", at="11-19 00:05", team="a")
    stage.at("11-19 00:06")
    assert [said.headline for said in slack.roots] == [
        "○ 2 over with their periods",
        "● a (teams) reached 100 % of its daily budget: $11.00 of $10.00",
    ]


def test_a_rule_that_is_taken_away_is_withdrawn_from_its_message(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11")
    stage.reload(HEADER + "budgets:\n  - {name: others, each: [team], limit: $1000, every: day}\n")
    stage.at("07:20")
    (root,) = slack.messages
    assert root.headline.startswith("○ a (teams) is no longer watched, its rule changed")


def test_periods_that_end_at_once_change_each_message_of_theirs(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    for hour in range(7, 22):
        stage.spend("11", at=f"{hour:02}:10", team=f"t{hour}")
        stage.at(f"{hour:02}:11")
    assert len(slack.roots) == 15
    stage.at("11-19 00:01")
    assert all(root.headline.startswith("○") for root in slack.roots)
    assert len(slack.messages) == 15


USERS = HEADER + "budgets:\n  - {name: users, each: [user], limit: $10, every: day}\n"


def test_a_forgotten_user_is_nowhere_and_what_follows_is_told_without_the_name(play: Play) -> None:
    stage = play(USERS)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", user=ALICE)
    stage.spend("11", at="07:10", user="bob")
    stage.at("07:11")
    assert f"user {ALICE}" in slack.roots[0].text
    forget(stage)
    stage.forgotten.add(ALICE)
    assert files_with(stage.folder, ALICE) == []
    stage.at("07:20", "11-19 00:01")
    (root,) = slack.roots
    assert ALICE not in root.text
    assert (
        "user forgotten (users) period over" in root.text or "user forgotten (users) starts a new period" in root.text
    )


def test_what_was_posted_is_forgotten_with_its_deliveries(play: Play) -> None:
    stage = play(DAILY + "retention: {rows: 34d, totals: 60d}\n")
    slack_desk(stage)
    stage.at("06:59")
    stage.spend("11", at="07:10", team="a")
    stage.at("07:11", "11-19 00:01")
    assert rows_of(stage) == {"thread": 1, "thread_incident": 1, "told": 1, "delivery_step": 0}
    stage.at("12-27 12:00")
    stage.keep_up()
    assert rows_of(stage) == {"thread": 0, "thread_incident": 0, "told": 0, "delivery_step": 0}


def rows_of(stage: Stage) -> dict[str, int]:
    with closing(sqlite3.connect(stage.store.path)) as raw:
        tables = ("thread", "thread_incident", "told", "delivery_step")
        return {table: raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_late_news_about_a_deleted_message_are_posted_and_then_show_how_things_stand(play: Play) -> None:
    stage = play(DAILY)
    slack = slack_desk(stage)
    stage.at("06:59")
    stage.spend("8", at="07:10", team="a")
    stage.at("07:11")
    slack.befalls("chat.postMessage", Trouble("status", "429"))
    stage.spend("3", at="07:12", team="a")
    stage.spend("10", at="07:12:10", team="a")
    stage.at("07:12:05", "07:12:20")
    slack.delete(slack.roots[0])
    stage.at("07:30", "07:40")
    assert any("reached 100 %" in text for text in slack.posted)
    assert slack.roots[-1].headline.startswith("● a (teams) reached 200 %")
