"""A budget file that Kubernetes replaces by swapping the link `..data` of a ConfigMap: taken up, or refused."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusewatch.demo.standin import StandinServer
from tests.process.home import Daemon, Home, spend, wait_for

WITHIN_S = 5.0
RELOADED = "fusewatch_config_last_reload_successful"
BROKEN = "version: 1\nbudgets:\n  - {name: cap, limit: 5 euros, every: day}\n"


@dataclass(slots=True)
class Mount:
    """A ConfigMap volume as the kubelet writes it: the data in a folder of its own, reached over the link `..data`."""

    folder: Path
    number: int = 0

    def publish(self, text: str) -> None:
        """A new folder, a new link put in place by one rename, then the old folder goes."""
        self.number += 1
        fresh = self.folder / f"..2026_11_24_{self.number}"
        fresh.mkdir(parents=True)
        (fresh / "budgets.yaml").write_text(text, encoding="utf-8")
        draft = self.folder / "..data_tmp"
        draft.symlink_to(fresh.name)
        draft.replace(self.folder / "..data")
        named = self.folder / "budgets.yaml"
        if not named.is_symlink():
            named.symlink_to("..data/budgets.yaml")
        if self.number > 1:
            shutil.rmtree(self.folder / f"..2026_11_24_{self.number - 1}")


def capped(usd: int) -> str:
    return f"version: 1\nbudgets:\n  - {{name: cap, limit: ${usd}, every: day}}\n"


def shows(daemon: Daemon, usd: int, reloaded: int) -> bool:
    found = daemon.metrics()
    return found.get('fusewatch_budget_limit_dollars{budget="cap",group=""}') == usd and found[RELOADED] == reloaded


@pytest.mark.parametrize("config", [pytest.param("mount/budgets.yaml", id="file"), pytest.param("mount", id="folder")])
def test_a_swapped_config_map_is_taken_up_and_a_broken_one_refused_and_told(
    home: Home, langfuse: StandinServer, config: str
) -> None:
    langfuse.store.add([spend("1")])
    mount = Mount(home.folder / "mount")
    mount.publish(capped(20))
    daemon = home.run(FUSEWATCH_CONFIG=config)
    wait_for(lambda: daemon.serves, "it serves", 50.0)
    wait_for(lambda: shows(daemon, 20, reloaded=1), "the first rules", 30.0)
    mount.publish(capped(21))
    wait_for(lambda: shows(daemon, 21, reloaded=1), "the swap is taken up", WITHIN_S)

    mount.publish(BROKEN)
    wait_for(lambda: shows(daemon, 21, reloaded=0), "the broken one is refused", WITHIN_S)
    page = daemon.get("/")[1]
    assert "The budget file has mistakes" in page, page
    (broken,) = daemon.events("budget_file_broken")
    assert "budgets.yaml:3: " in broken["problem"]

    mount.publish(capped(22))
    wait_for(lambda: shows(daemon, 22, reloaded=1), "the mended one is taken up", WITHIN_S)
    assert "The budget file has mistakes" not in daemon.get("/")[1]
    assert daemon.stop() == 0
