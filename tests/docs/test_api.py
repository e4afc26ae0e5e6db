"""docs/api.md: every curl line there, as it stands, against the product's own application on a socket."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fusewatch.app.retold import Retold, Story
from fusewatch.app.whyfacts import Explained, KeyLine, Overview
from fusewatch.domain.notices import Notice, Reason
from fusewatch.domain.rules import Unit
from fusewatch.domain.silences import silence_of
from tests.web.apiserver import served
from tests.web.pictures import BUSY, CROSSED, MINUTE, NOW, Daemon, usd
from tests.web.test_why import SUBJECT

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
LINES = re.findall(r"^\$ (curl .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
SILENCE = silence_of({"rule": ["*"]}, starts_ms=NOW - MINUTE, ends_ms=NOW + MINUTE, author="ana", comment="known")


def answered(_: object) -> Explained | Overview:
    return Overview(SUBJECT, (KeyLine((("feature", "a"),), Unit.USD, usd("12"), usd("10")),), 1)


def test_every_curl_line_of_the_page_works_as_it_stands(tmp_path: Path) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl is not installed (Debian: curl)")
    assert len(LINES) == 17
    notice = Notice(CROSSED, Reason.OPENED, CROSSED.severity, CROSSED.level, NOW, NOW)
    dead = BUSY.stuck[0]._replace(id="D1")
    daemon = Daemon(
        picture=replace(BUSY, silences=(SILENCE,)),
        web_token="change-me",
        incidents=[CROSSED],
        silences=[SILENCE],
        stories={CROSSED.id: Story(Retold(notice, ()), ())},
        dead=[dead],
        answers=answered,
    )
    with served(daemon) as server:
        names = {
            "URL": server.url,
            "TOKEN": "change-me",
            "INCIDENT": CROSSED.id,
            "SILENCE": SILENCE.id,
            "DELIVERY": "D1",
        }
        for line in LINES:
            typed = line.replace("--json", "-X POST -H 'Content-Type: application/json' -d")  # curl before 7.82
            ended = subprocess.run(
                ["bash", "-c", typed.replace("curl -s", "curl -s --noproxy '*' -w '\\n%{http_code}'", 1)],
                env={**os.environ, **names},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            body, _, status = ended.stdout.rpartition("\n")
            assert status in ("200", "201"), (line, body)
            assert json.loads(body), line
