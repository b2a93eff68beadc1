"""A pytest plugin for projects that need a synthetic district.

Name it in the tests' top `conftest.py`: `pytest_plugins = ["seed.pytest_plugin"]`; then ask for
`quanxi_district`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seed.options import Manifest, SeedOptions
from seed.world import describe, seed_district

District = Callable[..., Manifest]


@pytest.fixture(scope="session")
def quanxi_district(tmp_path_factory: pytest.TempPathFactory) -> District:
    """A factory: `quanxi_district(scale=0.002, noise="clean")` seeds a district once per session and options.

    It takes the fields of `SeedOptions` (by default a scale of 0.002 and clean feeds) and returns the
    `Manifest`, whose
    `directory` holds `feeds/` and `truth/`. The files are shared: a test that changes them copies them first.
    """
    made: dict[str, Manifest] = {}

    def make(**options: Any) -> Manifest:
        asked = SeedOptions(**{"scale": 0.002, "noise": "clean", **options})
        key = repr((describe(asked), Path(asked.scenario).resolve() if asked.scenario else None))
        if key not in made:
            made[key] = seed_district(tmp_path_factory.mktemp("district"), asked)
        return made[key]

    return make
