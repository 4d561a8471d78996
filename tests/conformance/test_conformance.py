"""Every case of the table, delivered whole, octet by octet, and split at random points."""

import pytest
from corpus import CASES


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(names) >= 1000
    assert not {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_case(benches, case):
    faults = benches.faults(case)
    assert not faults, "\n\n".join(faults)
