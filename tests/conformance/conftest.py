"""The benches, for the whole run."""

import pytest
from bench import Benches


@pytest.fixture(scope="session")
def benches(tmp_path_factory):
    ready = Benches(tmp_path_factory.mktemp("conformance"))
    yield ready
    ready.close()
