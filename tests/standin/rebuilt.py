"""Spans rebuilt from recorded rows, so that the stand-in's answer can be compared with the recording as a whole."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from fusewatch.demo.standin import DEMO_PROJECT, Span
from tests.standin.asking import ms

V1_EARLIER_MS = 167


def stored(value: object) -> str:
    """The stored string that reads back as `value`."""
    return value if isinstance(value, str) else json.dumps(value)


def from_v2(row: dict[str, Any]) -> Span:
    """The span behind a v2 row that was asked with every field group."""
    return Span(
        id=row["id"],
        trace_id=row["traceId"],
        start_ms=ms(row["startTime"]),
        end_ms=ms(row["endTime"]),
        type=row["type"],
        name=row["name"],
        environment=row["environment"],
        level=row["level"],
        status_message=row["statusMessage"],
        version=row["version"],
        release=row["release"],
        model=row["model"],
        model_parameters=row["modelParameters"],
        user_id=row["userId"],
        session_id=row["sessionId"],
        tags=tuple(row["tags"]),
        trace_name=row["traceName"],
        metadata={key: stored(value) for key, value in row["metadata"].items()},
        usage=row["usageDetails"],
        created_ms=ms(row["createdAt"]),
        updated_ms=ms(row["updatedAt"]),
        parent_id=row["parentObservationId"],
        input=row["input"],
        output=row["output"],
        **_cost(row["costDetails"]),
    )


def from_v1(row: dict[str, Any], metadata: dict[str, str]) -> Span:
    return Span(
        id=row["id"],
        trace_id=row["traceId"],
        start_ms=ms(row["startTime"]),
        end_ms=ms(row["endTime"]),
        type=row["type"],
        name=row["name"],
        environment=row["environment"],
        level=row["level"],
        status_message=row["statusMessage"] or "",
        model=row["model"] or "",
        model_parameters=row["modelParameters"] or {},
        metadata=metadata,
        usage=row["usageDetails"],
        created_ms=ms(row["createdAt"]) + V1_EARLIER_MS,
        updated_ms=ms(row["updatedAt"]) + V1_EARLIER_MS,
        parent_id=row["parentObservationId"],
        input=None if row["input"] is None else stored(row["input"]),
        output=None if row["output"] is None else stored(row["output"]),
        **_cost(row["costDetails"]),
    )


def flat(metadata: dict[str, Any]) -> dict[str, str]:
    """v1's nested metadata in the flat form in which it is stored."""
    result: dict[str, str] = {}
    for key, value in metadata.items():
        if key == "resourceAttributes":
            result |= {f"resourceAttributes.{name}": inner for name, inner in value.items()}
        elif key == "scope":
            attributes = value.get("attributes", {})
            result |= {f"scope.{name}": inner for name, inner in value.items() if name != "attributes"}
            result |= {f"scope.attributes.{name}": inner for name, inner in attributes.items()}
        else:
            result[key] = stored(value)
    return result


def as_demo_project(row: dict[str, Any]) -> dict[str, Any]:
    """The recorded row, told of the stand-in's project."""
    return {**row, "projectId": DEMO_PROJECT}


def _cost(details: dict[str, float]) -> dict[str, Any]:
    exact = {key: Decimal(str(value)) for key, value in details.items()}
    return {"cost": {key: value for key, value in exact.items() if key != "total"}, "total_cost": exact.get("total")}
