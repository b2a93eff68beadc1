"""The fixture that other projects use."""

from __future__ import annotations

from seed.pytest_plugin import District, quanxi_district

__all__ = ["quanxi_district"]


def test_fixture_seeds_once(quanxi_district: District) -> None:
    first = quanxi_district(only=("devices",))
    assert first is quanxi_district(only=("devices",))
    assert first is not quanxi_district(only=("devices",), seed=8)
    assert (first.directory / "feeds").is_dir()
