"""A price added to the stand-in's list: taken, shown and refused as the real server did."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from fusewatch.demo.standin import DEMO_PUBLIC_KEY, DEMO_SECRET_KEY, Standin
from tests.standin.asking import BASE, recording, standin


def post(app: Standin, body: object) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, auth=(DEMO_PUBLIC_KEY, DEMO_SECRET_KEY)) as client:
            return await client.post(f"{BASE}/api/public/models", content=json.dumps(body))

    return asyncio.run(send())


def without_ids(row: dict[str, Any]) -> dict[str, Any]:
    """What does not hang on when and by whom the entry was made."""
    tiers = [{**tier, "id": ""} for tier in row["pricingTiers"]]
    return {**row, "id": "", "createdAt": "", "pricingTiers": tiers}


def test_a_price_is_taken_as_the_real_server_took_it_and_a_second_one_refused() -> None:
    app = standin()
    recorded = recording("models_post")
    answer = post(app, recorded["request"]["body"])
    assert answer.status_code == recorded["status"]
    assert without_ids(answer.json()) == without_ids(recorded["body"])
    again = recording("models_post_duplicate")
    refused = post(app, again["request"]["body"])
    assert (refused.status_code, refused.json()) == (again["status"], again["body"])


@pytest.mark.parametrize("name", ["models_post_bad"])
def test_what_lacks_its_parts_is_refused_in_the_real_words(name: str) -> None:
    recorded = recording(name)
    refused = post(standin(), recorded["request"]["body"])
    assert (refused.status_code, refused.json()) == (recorded["status"], recorded["body"])
