"""What several tests of the store begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.catalog import Catalog
from store.home import Home


@pytest.fixture(params=[True, False], ids=["with index", "without index"])
def catalog(home: Home, request: pytest.FixtureRequest) -> Iterator[Catalog]:
    with Catalog(home, use_index=request.param) as found:
        yield found
