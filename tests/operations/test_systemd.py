"""`config/systemd/fusewatch.service`: systemd finds nothing wrong with it, and it leaves the daemon few rights."""

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fusewatch.store.connection import database_path
from tests.operations.shipped import CONFIG, is_ours, settings_variables

UNIT = CONFIG / "systemd" / "fusewatch.service"
EXPOSURE_AT_MOST = 20
"""Of 100, for `systemd-analyze security`; nginx in Debian has 96."""


def values(key: str) -> list[str]:
    """What the section [Service] says for a key, which may stand several times."""
    text = UNIT.read_text(encoding="utf-8")
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def value(key: str) -> str:
    (found,) = values(key)
    return found


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in values("Environment") for pair in shlex.split(line))


def with_our_command(folder: Path) -> Path:
    """The unit with the command of this environment, since systemd looks whether it is there."""
    command = Path(sys.executable).with_name("fusewatch")
    made = folder / UNIT.name
    made.write_text(UNIT.read_text(encoding="utf-8").replace(value("ExecStart").split()[0], str(command)))
    return made


def analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    done = subprocess.run([program, "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    assert analyze("verify", "--recursive-errors=no", str(with_our_command(tmp_path))) == ""


def test_systemd_judges_it_well_locked_up(tmp_path: Path) -> None:
    analyze("security", "--offline=true", f"--threshold={EXPOSURE_AT_MOST}", str(with_our_command(tmp_path)))


def test_it_has_the_sections_of_a_unit() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(UNIT, encoding="utf-8")
    assert parser.sections() == ["Unit", "Service", "Install"]


def test_every_variable_is_a_setting() -> None:
    assert {name for name in environment() if is_ours(name)} - settings_variables() == set()


def test_the_database_lies_in_the_only_folder_that_it_may_write() -> None:
    folder = Path("/var/lib") / value("StateDirectory")
    assert database_path(environment()["FUSEWATCH_DATABASE_URL"]).parent == folder == Path(value("WorkingDirectory"))
    assert value("ProtectSystem") == "strict"
    assert value("DynamicUser") == "yes"
    assert UNIT.read_text(encoding="utf-8").count("ReadWritePaths") == 0


def test_it_runs_the_daemon_and_waits_longer_for_its_end_than_it_takes() -> None:
    assert value("ExecStart").split()[1:] == ["run"]
    assert (value("KillSignal"), value("TimeoutStopSec")) == ("SIGTERM", "20s")


def test_keys_come_from_a_file_and_none_is_in_the_unit() -> None:
    assert value("EnvironmentFile") == "/etc/fusewatch/environment"
    assert not any(name.startswith(("LANGFUSE_", "SLACK_")) for name in environment())
