"""The budget file is read again every second: what is taken up, what is told, and when there is nothing to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fusewatch.bootstrap import Rulebook, World
from fusewatch.config.rulefile import inputs
from fusewatch.errors import ConfigError
from fusewatch.ports import StoredRules
from fusewatch.ports.leases import Rights
from fusewatch.runtime import SystemClock
from fusewatch.store import open_store

GOOD = """\
version: 1
projects: [{name: shop, public_key: pk-lf-1, secret_key: "${SHOP_SK}"}]
budgets: [{name: cap, limit: $20, every: day}]
"""
BROKEN = "version: 1\nbudgets: [{name: cap, limit: 5 euros, every: day}]\n"


@contextmanager
def opened(folder: Path) -> Iterator[Rulebook]:
    (folder / "sk").write_text("sk-lf-first")
    (folder / "budgets.yaml").write_text(GOOD)
    environ = {"SHOP_SK_FILE": str(folder / "sk")}
    with open_store(f"sqlite:///{folder}/fusewatch.db", holder="test", exclusive=True) as store:
        yield Rulebook.open(folder / "budgets.yaml", environ, store, World(SystemClock(), lambda *_: None), strict=True)


def replaced(path: Path, text: str) -> None:
    """As Kubernetes does it: another file under the same name, here of the same length and age."""
    old, new = path.stat(), path.with_name("new")
    new.write_text(text)
    os.utime(new, ns=(old.st_atime_ns, old.st_mtime_ns))
    new.replace(path)


def was_refused(book: Rulebook) -> bool:
    return book.fallback is not None


def test_what_did_not_change_is_not_taken_up_again(tmp_path: Path) -> None:
    with opened(tmp_path) as book:
        assert [book.reload() for _ in range(3)] == [False] * 3


def test_a_secret_that_was_rotated_in_its_file_is_taken_up_though_the_budget_file_is_the_same(tmp_path: Path) -> None:
    with opened(tmp_path) as book:
        before = book.mark()
        assert not book.reload()
        replaced(tmp_path / "sk", "sk-lf-other")
        assert book.reload()
        assert book.mark() != before
        assert book.loaded.projects[0].secret_key.get_secret_value() == "sk-lf-other"
        assert not book.reload()


def test_an_edit_of_the_same_length_and_age_is_taken_up(tmp_path: Path) -> None:
    with opened(tmp_path) as book:
        assert not book.reload()
        replaced(tmp_path / "budgets.yaml", GOOD.replace("$20", "$30"))
        assert book.reload()
        limit = book.rules.budgets[0].limit
        assert limit is not None
        assert limit.amount == 30 * 10**12


@pytest.mark.parametrize("wrong", ["a text", "a secret that is gone", "no file"])
def test_what_is_broken_is_told_once_and_what_was_mended_is_taken_up_also_when_it_is_the_same_as_before(
    tmp_path: Path, wrong: str
) -> None:
    with opened(tmp_path) as book:
        file, secret = tmp_path / "budgets.yaml", tmp_path / "sk"
        broken = secret if wrong == "a secret that is gone" else file
        good = broken.read_text()
        if wrong == "a text":
            file.write_text(BROKEN)
        else:
            broken.unlink()
        with pytest.raises(ConfigError):
            book.reload()
        assert [book.reload() for _ in range(2)] == [False] * 2
        assert was_refused(book)
        broken.write_text(good)
        assert book.reload()
        assert not was_refused(book)
        assert not book.reload()


def test_what_is_read_is_compared_whole_for_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    before = inputs(tmp_path, {})
    assert before is not None
    assert inputs(tmp_path, {}) == before
    (tmp_path / "b.yaml").write_text("version: 1\n")
    assert inputs(tmp_path, {}) != before
    assert inputs(tmp_path / "none", {}) is None


class Nothing(Rights):
    """Another daemon has every lease."""

    def fence(self, name: str) -> int | None:
        return None


@pytest.mark.parametrize("mended", [GOOD, GOOD.replace("$20", "$30")])
def test_who_follows_says_what_it_cannot_read_of_the_rules_in_force_until_it_can_again(
    tmp_path: Path, mended: str
) -> None:
    """As when the daemon that judges is newer, and its file has a key that this one does not know."""
    with opened(tmp_path) as book:
        book.rights = Nothing()
        book.store.keep_rules(StoredRules((("budgets.yaml", BROKEN),), 1))
        with pytest.raises(ConfigError, match="5 euros"):
            book.reload()
        assert was_refused(book)
        assert not book.reload()
        assert was_refused(book)
        book.store.keep_rules(StoredRules((("budgets.yaml", mended),), 2))
        assert book.reload()
        assert not was_refused(book)
        assert book.loaded.text == mended
        assert not book.reload()
