"""Whatever happens, in whatever order: in the end the ledger is exactly what Langfuse was told, and stays so."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fusewatch.demo.standin import Mode
from tests.model.machine import Ledger


class LedgerOfV1(Ledger):
    mode = Mode.LEGACY


CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def test_a_ledger_read_through_v2_ends_exact_after_every_trouble() -> None:
    run_state_machine_as_test(
        Ledger, settings=settings(max_examples=30, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS)
    )


def test_a_ledger_read_through_v1_ends_exact_after_every_trouble() -> None:
    run_state_machine_as_test(
        LedgerOfV1,
        settings=settings(max_examples=20, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS),
    )
