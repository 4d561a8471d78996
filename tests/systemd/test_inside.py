"""Each test of inside/, as it went under a real systemd."""

import ast
from pathlib import Path

import pytest


def names():
    """The tests in inside/: Class.test, read without running anything."""
    for path in sorted((Path(__file__).parent / "inside").glob("test_*.py")):
        for group in ast.parse(path.read_text()).body:
            if isinstance(group, ast.ClassDef):
                for test in group.body:
                    if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                        yield f"{group.name}.{test.name}"


@pytest.mark.parametrize("name", list(names()))
def test_inside(results, name):
    assert name in results, f"it did not run; there are {sorted(results)}"
    assert results[name] is None, results[name]
