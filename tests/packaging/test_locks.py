"""The lock files: complete, hashed, and silent about where packages come from."""

import pytest

from tests.packaging.declared import LOCKS, lock, parse_lock, requirements

GOOD = """\
editables==0.6 \\
    --hash=sha256:1163834902381c4613787951c5914800fdf155ae08848a373b8ea5006780977c
    # via fusewatch (pyproject.toml:build)
"""


def test_there_is_a_lock_for_running_for_building_and_for_developing() -> None:
    assert LOCKS == ("requirements-build.lock", "requirements-dev.lock", "requirements.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index_no_host_and_no_option(name: str) -> None:
    assert lock(name).strange == ()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://mirror.example.com/simple",
        "--find-links /opt/wheels",
        "# from https://mirror.example.com",
        "editables @ https://mirror.example.com/editables-0.6.whl",
        "-e .",
    ],
)
def test_a_place_to_download_from_would_be_seen(line: str) -> None:
    assert parse_lock(GOOD).strange == ()
    assert parse_lock(f"{line}\n{GOOD}").strange == (line,)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_vouched_for_by_a_hash(name: str) -> None:
    pins = lock(name).pins
    assert pins
    assert [pin for pin, entry in pins.items() if not entry.hashes] == []


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("requirements.lock", "runtime"),
        ("requirements-build.lock", "build"),
        ("requirements-dev.lock", "runtime"),
        ("requirements-dev.lock", "dev"),
    ],
)
def test_a_lock_satisfies_what_the_project_asks_for(name: str, group: str) -> None:
    pins = lock(name).pins
    unmet = [
        str(requirement)
        for package, requirement in requirements(group).items()
        if package not in pins or not requirement.specifier.contains(pins[package].version)
    ]
    assert unmet == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_what_is_tested_is_what_is_shipped(name: str) -> None:
    tested = lock("requirements-dev.lock").pins
    differing = {
        package: (pin.version, tested[package].version if package in tested else None)
        for package, pin in lock(name).pins.items()
        if package not in tested or tested[package].version != pin.version
    }
    assert differing == {}
