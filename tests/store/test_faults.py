"""Fault points strike when they are asked to, and only then."""

from __future__ import annotations

import pytest

from tests.store.building import finished, python

ARRIVE = """
from store import faults
for number in range(5):
    try:
        faults.point("here")
        faults.point("elsewhere")
        print(number, "passed", flush=True)
    except OSError as error:
        print(number, error.errno, flush=True)
"""


@pytest.mark.parametrize(
    ("plan", "struck"),
    [
        ("", []),
        ("here=ENOSPC", [0]),
        ("here@3=EIO", [2]),
        ("here@3=EIO+", [2, 3, 4]),
        ("here@2=EIO, elsewhere@1=EROFS", [0, 1]),
    ],
)
def test_a_fault_strikes_at_the_arrival_it_names(plan: str, struck: list[int]) -> None:
    code, output, _ = finished(python(ARRIVE, PRODIGY_FAULT=plan))
    assert code == 0
    lines = output.splitlines()
    assert [i for i, line in enumerate(lines) if not line.endswith("passed")] == struck


def test_a_kill_is_a_real_one() -> None:
    code, output, _ = finished(python(ARRIVE, PRODIGY_FAULT="here@2=kill"))
    assert code == -9
    assert output == "0 passed\n"


@pytest.mark.parametrize("plan", ["here", "here=explode", "=kill", "here@x=kill"])
def test_a_plan_that_cannot_be_understood_is_an_error(plan: str) -> None:
    code, _, errors = finished(python(ARRIVE, PRODIGY_FAULT=plan))
    assert code == 1
    assert "cannot understand" in errors
