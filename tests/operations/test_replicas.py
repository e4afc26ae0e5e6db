"""`config/kubernetes/overlays/postgres` fits what it changes, PostgreSQL in `config/compose.yaml` its daemon."""

import re
from copy import deepcopy
from typing import Any

from tests.operations.shipped import document, documents
from tests.operations.test_compose import COMPOSE
from tests.operations.test_kubernetes import BASE, KUBERNETES, LABEL, named, wrong_with

OVERLAY = KUBERNETES / "overlays" / "postgres"


def patched(kind: str) -> dict[str, Any]:
    """The manifest of the base with the operations of the overlay (RFC 6902) done to it."""
    (entry,) = (one for one in listed() if one.get("target", {}).get("kind") == kind)
    made: dict[str, Any] = deepcopy(named()[kind])
    assert entry["target"]["name"] == made["metadata"]["name"]
    for operation in document(OVERLAY / entry["path"]):
        *way, last = operation["path"].strip("/").split("/")
        place: Any = made
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key: Any = int(last) if isinstance(place, list) and last != "-" else last
        match operation["op"]:
            case "test":
                assert place[key] == operation["value"], operation["path"]
            case "replace":
                assert place[key] is not None
                place[key] = operation["value"]
            case "add" if last == "-":
                place.append(operation["value"])
            case "add":
                place[key] = operation["value"]
            case other:
                raise AssertionError(other)
    return made


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(OVERLAY / "kustomization.yaml")["patches"]
    return found


def test_every_file_of_the_overlay_is_used_and_every_used_file_exists() -> None:
    resources = document(OVERLAY / "kustomization.yaml")["resources"]
    assert (OVERLAY / resources[0]).resolve() == BASE
    used = {*resources[1:], *(entry["path"] for entry in listed())}
    assert used == {path.name for path in OVERLAY.iterdir()} - {"kustomization.yaml"}


def test_kubernetes_knows_every_word_of_what_comes_out() -> None:
    (budget,) = documents(OVERLAY / "disruption.yaml")
    for manifest in (patched("Deployment"), patched("NetworkPolicy"), budget):
        assert wrong_with(manifest) == []
    assert wrong_with({**budget, "spec": {**budget["spec"], "maxUnavailabel": 1}}) != []


def test_three_daemons_are_replaced_one_after_the_other() -> None:
    spec = patched("Deployment")["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
    (budget,) = documents(OVERLAY / "disruption.yaml")
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": LABEL}}


def test_the_address_of_the_database_is_a_secret_by_reference_and_no_pod_keeps_anything() -> None:
    pod = patched("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    given = {entry["name"]: entry for entry in container["env"]}
    secret = {"secretKeyRef": {"name": "fusewatch-database", "key": "url"}}
    assert given["FUSEWATCH_DATABASE_URL"] == {"name": "FUSEWATCH_DATABASE_URL", "valueFrom": secret}
    assert len(given) == len(named()["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"])
    assert {one["name"]: one for one in pod["volumes"]}["data"] == {"name": "data", "emptyDir": {}}
    (claim,) = documents(OVERLAY / "volume.yaml")
    assert claim["$patch"] == "delete"
    assert claim["metadata"]["name"] == named()["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_way_to_the_database_is_open() -> None:
    assert {"ports": [{"port": 5432, "protocol": "TCP"}]} in patched("NetworkPolicy")["spec"]["egress"]


def test_the_server_has_no_privileges_no_port_and_no_password_of_ours() -> None:
    server = COMPOSE["services"]["postgres"]
    assert re.fullmatch(r"postgres:\d+\.\d+", server["image"])
    assert server["cap_drop"] == ["ALL"]
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert server["user"] == "postgres"
    assert "ports" not in server
    assert COMPOSE["services"]["fusewatch"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    asked = "${POSTGRES_PASSWORD:?set it to letters and digits of your choice}"
    assert server["environment"]["POSTGRES_PASSWORD"] == asked
    url = COMPOSE["services"]["fusewatch"]["environment"]["FUSEWATCH_DATABASE_URL"]
    assert url == f"postgresql://fusewatch:{asked}@postgres/fusewatch"
