"""docs/quickstart.md, typed as it stands by somebody who has a Langfuse and a Slack, up to the alert and beyond."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer, Store
from tests.docs.blocks import ROOT, blocks_of, commands_of
from tests.process.home import Daemon, Home, now_ms, spend, wait_for
from tests.process.receiver import Receiver

BLOCKS = blocks_of(ROOT / "docs" / "quickstart.md")
STEPS = [command.text for block in BLOCKS if block.language == "sh" for command in commands_of(block)]
EXPORTED = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_BASE_URL", "SLACK_WEBHOOK_URL")


def keep_the_environment(folder: Path) -> None:
    """The environment that `make install` would build is the one that runs this test."""
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv" / ".installed").touch()


@pytest.mark.timeout(300)
def test_every_step_works_in_its_order_and_ends_with_an_alert_in_slack(tmp_path: Path) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no clone, or git is missing")
    with StandinServer(Store(), now_ms=now_ms) as langfuse, Receiver() as slack:
        langfuse.store.add([spend("40", feature="summarization", team="content"), spend("3", feature="chat")])
        home = Home.make(tmp_path, langfuse.url)
        home.env |= {"REPOSITORY": str(ROOT), "SLACK_WEBHOOK_URL": f"{slack.url}/services/T0/B0/first"}
        daemons: list[Daemon] = []
        try:
            for step in STEPS:
                take(step, home, daemons)
                if step.endswith("first.yaml"):
                    wait_for(lambda: any("first-alert" in post.body for post in slack.posts), "the alert", 120)
            assert len(daemons) == 2
            (told,) = [post for post in slack.posts if "Already over: 1 (first-alert" in post.body]
            assert "$43.00 of $0.01" in told.body
            assert any("nothing happened" in post.body for post in slack.posts)
            assert daemons[-1].stop(signal.SIGINT) == 0
        finally:
            home.end()


def take(step: str, home: Home, daemons: list[Daemon]) -> None:
    """One line of the page. The second terminal is the same as the first, as nothing but the folder matters."""
    program, *words = step.split()
    match program:
        case "export":
            name, _, value = words[0].partition("=")
            if name not in EXPORTED:
                home.env[name] = value
            assert home.env[name]
        case "cd":
            home.folder /= words[0]
            keep_the_environment(home.folder)
        case _ if " run " in step:
            for daemon in daemons:
                assert daemon.stop(signal.SIGINT) == 0
            daemons.append(home.start("-c", f"exec {step}", program=["bash"]))
            wait_for(lambda: daemons[-1].serves, "listening", 90)
        case _:
            here = step.replace("http://localhost:9469", daemons[-1].url) if daemons else step
            done = home.call("-c", here, program=["bash"], within_s=60)
            assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
