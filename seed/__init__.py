"""The synthetic district: entities, department feeds, planted patterns and their answer key."""

from seed.options import Manifest, SeedOptions
from seed.world import seed_district

__all__ = ["Manifest", "SeedOptions", "seed_district"]
