"""`config/compose.yaml`: valid, and in agreement with the image, the settings and the files that it mounts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.operations.shipped import CONFIG, ROOT, document, settings_variables
from tests.packaging.declared import project_version
from tests.packaging.dockerfile import ours

COMPOSE: dict[str, Any] = document(CONFIG / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGE = ours().stages[-1]


def schema() -> Draft202012Validator:
    path = Path(__file__).parent / "schemas" / "compose-spec.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def mounts(service: str) -> dict[str, str]:
    """Source by the path inside."""
    return {entry.split(":")[1]: entry.split(":")[0] for entry in SERVICES[service]["volumes"]}


def test_it_is_a_compose_file() -> None:
    assert [error.message for error in schema().iter_errors(COMPOSE)] == []


def test_a_word_that_compose_does_not_know_would_be_found() -> None:
    wrong = {**COMPOSE, "services": {"fusewatch": {**SERVICES["fusewatch"], "capdrop": ["ALL"]}}}
    assert not schema().is_valid(wrong)


def test_the_daemon_is_the_image_of_this_version_built_from_this_project() -> None:
    assert SERVICES["fusewatch"]["image"] == f"fusewatch:{project_version()}"
    assert (CONFIG / SERVICES["fusewatch"]["build"]["context"] / "Dockerfile").resolve() == ROOT / "Dockerfile"


def test_every_variable_of_the_daemon_is_a_setting() -> None:
    environment = SERVICES["fusewatch"]["environment"]
    assert environment.keys() - settings_variables() == set()
    for name, value in environment.items():
        asked = re.match(r"\$\{(\w+)", value)
        assert asked is None or asked[1] == name
    assert environment["FUSEWATCH_DATABASE_URL"].startswith("postgresql://fusewatch:${POSTGRES_PASSWORD:?")


def test_the_daemon_finds_its_budgets_and_database_where_the_image_looks_for_them() -> None:
    inside = mounts("fusewatch")
    assert inside[IMAGE.one("VOLUME")] in COMPOSE["volumes"]
    path = Path(IMAGE.environment()["FUSEWATCH_CONFIG"])
    assert (CONFIG / inside[str(path.parent)] / path.name).is_file()
    assert "FUSEWATCH_CONFIG" not in SERVICES["fusewatch"]["environment"]


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_exists_and_what_is_ours_is_read_only(service: str) -> None:
    for entry in SERVICES[service]["volumes"]:
        source, _, *mode = entry.split(":")
        if source.startswith("."):
            assert (CONFIG / source).exists(), entry
            assert mode == ["ro"], entry
        else:
            assert source in COMPOSE["volumes"], entry


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_has_privileges_or_is_reached_from_outside_the_machine(service: str) -> None:
    described = SERVICES[service]
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert not described.keys() & {"privileged", "network_mode", "cap_add", "pid"}
    assert described.get("user") not in ("root", "0")
    assert all(port.startswith("127.0.0.1:") for port in described.get("ports", ()))


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_is_pinned_to_a_version(service: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", SERVICES[service]["image"])


def test_the_root_of_the_daemon_is_read_only_and_it_is_given_time_to_end() -> None:
    assert SERVICES["fusewatch"]["read_only"] is True
    assert SERVICES["fusewatch"]["stop_grace_period"] == "15s"


def test_prometheus_scrapes_the_daemon_and_grafana_asks_prometheus_by_their_names_here() -> None:
    (job,) = document(CONFIG / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"fusewatch:{IMAGE.one('EXPOSE')}"]}]
    assert mounts("prometheus")["/etc/prometheus"] == "./prometheus"
    provisioning = CONFIG / "grafana" / "provisioning"
    (source,) = document(provisioning / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = document(provisioning / "dashboards" / "fusewatch.yml")["providers"]
    shown = f"{provider['options']['path']}/fusewatch.json"
    assert mounts("grafana")[shown] == "./grafana/fusewatch.json"
    assert SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == shown


def test_no_secret_stands_in_it() -> None:
    secrets = [
        value for name, value in SERVICES["fusewatch"]["environment"].items() if re.search("KEY|TOKEN|SLACK", name)
    ]
    secrets.append(SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"])
    assert all(re.fullmatch(r"\$\{\w+:[?-][^}]*\}", value) for value in secrets)
