"""`config/kubernetes`: manifests that Kubernetes takes, for one daemon that may do nothing but its work."""

import json
import shutil
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.operations.shipped import CONFIG, document, documents, is_ours, settings_variables
from tests.packaging.declared import project_version
from tests.packaging.dockerfile import ours

KUBERNETES = CONFIG / "kubernetes"
BASE = KUBERNETES / "base"
OPERATOR = KUBERNETES / "overlays" / "prometheus-operator"
IMAGE = ours().stages[-1]
LABEL = {"app.kubernetes.io/name": "fusewatch"}
DEFINITIONS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "schemas" / "kubernetes-1.33.json").read_text(encoding="utf-8")
)


@cache
def named() -> dict[str, dict[str, Any]]:
    """The manifests of the base by kind; each kind is there once."""
    found = [
        one for resource in document(BASE / "kustomization.yaml")["resources"] for one in documents(BASE / resource)
    ]
    by_kind = {one["kind"]: one for one in found}
    assert len(by_kind) == len(found)
    return by_kind


def pod() -> dict[str, Any]:
    found: dict[str, Any] = named()["Deployment"]["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def wrong_with(manifest: dict[str, Any]) -> list[str]:
    """What Kubernetes would refuse, each with its place."""
    (definition,) = (
        name
        for name in DEFINITIONS["$defs"]
        if name.startswith("io.k8s.api.") and name.endswith(f".{manifest['kind']}")
    )
    validator = Draft202012Validator({**DEFINITIONS, "$ref": f"#/$defs/{definition}"})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


# ---------------------------------------------------------------- valid


@pytest.mark.parametrize(
    "kind", ["Namespace", "ServiceAccount", "PersistentVolumeClaim", "Deployment", "Service", "NetworkPolicy"]
)
def test_kubernetes_knows_every_word_of_the_manifest(kind: str) -> None:
    assert wrong_with(named()[kind]) == []


def test_a_word_that_kubernetes_does_not_know_would_be_found() -> None:
    typo = deepcopy(named()["Deployment"])
    spec = typo["spec"]["template"]["spec"]
    spec["containers"][0]["livenessprobe"] = spec["containers"][0].pop("livenessProbe")
    assert any("livenessprobe" in wrong for wrong in wrong_with(typo))
    untyped = deepcopy(named()["Deployment"])
    untyped["spec"]["replicas"] = "1"
    assert any("replicas" in wrong for wrong in wrong_with(untyped))


def test_every_manifest_is_listed_and_every_listed_file_exists() -> None:
    for folder in (BASE, OPERATOR):
        kustomization = document(folder / "kustomization.yaml")
        assert [entry for entry in kustomization["resources"] if not (folder / entry).exists()] == []
        generated = [file for one in kustomization.get("configMapGenerator", []) for file in one["files"]]
        present = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
        assert present == {*filter(lambda entry: "/" not in entry, kustomization["resources"]), *generated}


if shutil.which("kubectl") is not None:
    # Debian's own kubectl is too old for `labels`, so CI has none; the other tests read the same files without it.

    def built(folder: Path) -> list[dict[str, Any]]:
        command = ["kubectl", "kustomize", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return list(YAML(typ="safe").load_all(done.stdout))

    @pytest.mark.parametrize("folder", [BASE, OPERATOR], ids=lambda path: path.name)
    def test_kustomize_builds_what_the_files_say(folder: Path) -> None:
        made = {one["kind"]: one for one in built(folder)}
        assert made.keys() - {"ServiceMonitor"} == named().keys() | {"ConfigMap"}
        assert [wrong for one in made.values() if one["kind"] != "ServiceMonitor" for wrong in wrong_with(one)] == []
        (image,) = (one["image"] for one in made["Deployment"]["spec"]["template"]["spec"]["containers"])
        assert image == f"fusewatch:{project_version()}"
        assert made["ConfigMap"]["metadata"]["name"] == "fusewatch-budgets"
        assert {one["metadata"].get("namespace", "fusewatch") for one in made.values()} == {"fusewatch"}


# ---------------------------------------------------------------- the daemon


def test_there_is_one_daemon_and_the_old_one_ends_before_the_new_one_starts() -> None:
    spec = named()["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert pod()["terminationGracePeriodSeconds"] > 10


def test_it_has_no_privileges_and_cannot_write_beside_its_data() -> None:
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    context = pod()["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == IMAGE.one("USER")
    assert context["fsGroup"] == context["runAsGroup"]
    assert not pod().keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert named()["Namespace"]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_it_gets_no_key_to_kubernetes() -> None:
    assert pod()["automountServiceAccountToken"] is False
    assert named()["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod()["serviceAccountName"] == named()["ServiceAccount"]["metadata"]["name"]


def test_every_variable_is_a_setting_and_what_the_image_says_stays_true() -> None:
    given = {entry["name"]: entry["value"] for entry in container()["env"]}
    assert {name for name in given if is_ours(name)} - settings_variables() == set()
    image = IMAGE.environment()
    for name in ("FUSEWATCH_CONFIG", "FUSEWATCH_DATABASE_URL", "FUSEWATCH_LISTEN"):
        assert given[name] == image[name]


def test_no_service_of_the_namespace_can_set_a_variable() -> None:
    assert pod()["enableServiceLinks"] is False


def test_secrets_come_by_reference_and_none_is_in_the_manifests() -> None:
    assert container()["envFrom"] == [{"secretRef": {"name": "fusewatch"}}]
    assert "Secret" not in named()
    for path in KUBERNETES.rglob("*.yaml"):
        assert not any(
            word in path.read_text(encoding="utf-8") for word in ("pk-lf-", "sk-lf-", "xoxb-", "hooks.slack.com")
        )


def test_the_probes_ask_for_life_and_readiness_on_the_port_that_the_image_exposes() -> None:
    asked = {name: container()[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    paths = {name: probe["path"] for name, probe in asked.items()}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {probe["port"] for probe in asked.values()} == {"http"}
    assert container()["ports"] == [{"name": "http", "containerPort": int(IMAGE.one("EXPOSE"))}]


def test_the_volumes_are_the_database_and_the_budgets() -> None:
    volumes = {one["name"]: one for one in pod()["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == named()["PersistentVolumeClaim"]["metadata"]["name"]
    (generator,) = document(BASE / "kustomization.yaml")["configMapGenerator"]
    assert volumes["budgets"]["configMap"]["name"] == generator["name"]
    mounted = {one["name"]: one for one in container()["volumeMounts"]}
    assert mounted["data"]["mountPath"] == IMAGE.one("VOLUME")
    (file,) = generator["files"]
    assert f"{mounted['budgets']['mountPath']}/{file}" == IMAGE.environment()["FUSEWATCH_CONFIG"]
    assert "subPath" not in mounted["budgets"], "a subPath never sees an edit"
    assert document(BASE / "kustomization.yaml")["generatorOptions"] == {"disableNameSuffixHash": True}


def test_the_budgets_of_the_config_map_pass_check(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("fusewatch")), "check", str(BASE / "budgets.yaml")]
    done = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- who finds whom


def test_service_policy_and_monitor_select_the_pod_and_its_port() -> None:
    deployment = named()["Deployment"]["spec"]
    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"] == LABEL
    assert named()["Service"]["spec"]["selector"] == LABEL
    assert named()["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == LABEL
    (port,) = named()["Service"]["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("http", "http")
    monitor = document(OPERATOR / "servicemonitor.yaml")
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "ServiceMonitor")
    assert monitor["spec"]["selector"]["matchLabels"] == LABEL
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]


def test_the_monitor_calls_the_job_as_the_rules_do() -> None:
    """`jobLabel` names a label of the Service whose value becomes `job`; kustomize puts the pair on everything."""
    label = document(OPERATOR / "servicemonitor.yaml")["spec"]["jobLabel"]
    (pairs,) = document(BASE / "kustomization.yaml")["labels"]
    assert pairs["pairs"][label] == "fusewatch"


def test_the_policy_lets_in_only_the_port_and_out_only_names_and_https() -> None:
    spec = named()["NetworkPolicy"]["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    (ingress,) = spec["ingress"]
    assert ingress["from"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": "http"}]
    out = {(port["protocol"], port["port"]) for rule in spec["egress"] for port in rule["ports"]}
    assert out == {("UDP", 53), ("TCP", 53), ("TCP", 443)}


def test_kustomize_runs_the_image_of_this_version() -> None:
    (image,) = document(BASE / "kustomization.yaml")["images"]
    assert image == {"name": container()["image"], "newTag": project_version()}
    compose = document(CONFIG / "compose.yaml")["services"]["fusewatch"]["image"]
    assert compose == f"{image['name']}:{image['newTag']}"
