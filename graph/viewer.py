"""Who asks, and what they may see. Applied in the compiling step and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

from ontology import ONTOLOGY, Sensitivity


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer.

    Attributes:
        area: code of the place that they are limited to; None sees the whole district.
        hidden: sensitivities of which they see nothing.
        roles, purposes: codes, shown by the `viewer` root.
    """

    name: str
    area: str | None = None
    hidden: frozenset[Sensitivity] = frozenset()
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()

    def sees_field(self, label: str, name: str) -> bool:
        """Whether a field's values may be shown; HIDDEN ones never are."""
        spec = ONTOLOGY.entities[label].fields().get(name)
        if spec is None:
            return True
        return spec.meta.sensitivity is not Sensitivity.HIDDEN and spec.meta.sensitivity not in self.hidden

    def sees_label(self, label: str) -> bool:
        """Whether nodes of a label may be seen at all: those known only by a field that is hidden may not."""
        return self.sees_field(label, ONTOLOGY.entities[label].title_field)

    def masked(self, label: str) -> list[str]:
        """Fields of a label that are withheld from them."""
        return [
            name
            for name, spec in ONTOLOGY.entities[label].fields().items()
            if spec.meta.sensitivity is not Sensitivity.HIDDEN and not self.sees_field(label, name)
        ]


DEVELOPMENT = Viewer("development", roles=("developer",), purposes=("development",))


@dataclass(slots=True)
class Scope:
    """The WHERE conditions that a viewer's limits put on variables of a statement.

    Attributes:
        area_key: place key of their area, its code when it is a grid (`by_grid`); None when there is no limit.
    """

    viewer: Viewer
    area_key: str | None
    by_grid: bool = False
    parameters: dict[str, object] = field(default_factory=dict)

    def conditions(self, label: str, variable: str) -> list[str]:
        """Conditions under which a node of `label` is visible; empty when all are."""
        if not self.viewer.sees_label(label):
            return ["false"]
        if self.area_key is None:
            return [self._shown_inside(variable)] if label == "Finding" and self.viewer.hidden else []
        self.parameters["area_key"] = self.area_key
        v = variable
        if label == "Address":
            if self.by_grid:
                return [f"ANY(key IN [{v}.grid, {v}.code] WHERE key STARTS WITH $area_key)"]
            # What has no place key (grids) is told by its code. Without OR, which makes the planner read in two walks.
            return [f"coalesce({v}.place, {v}.code) STARTS WITH $area_key"]
        # Households and phones are seen through those who had them while they lived in the area, not before or after.
        meanwhile = " AND coalesce(tie.since, '') < scope.until AND coalesce(scope.since, '') < tie.until"
        ways = {
            "Person": (f"({v})-[scope:LIVES_AT]->()", ""),
            "Household": (f"({v})<-[tie:BELONGS_TO]-(:Person)-[scope:LIVES_AT]->()", meanwhile),
            "Phone": (f"({v})<-[tie:HAS_PHONE]-(:Person)-[scope:LIVES_AT]->()", meanwhile),
            "Permit": (f"({v})<-[:HOLDS]-(scope)", ""),
            "Trip": (f"({v})-[:FROM|TO]->(scope)", ""),
            "Organisation": (f"({v})<-[:HANDLED_BY]-(scope)", ""),
        }
        if label in ways:
            way, when = ways[label]
            return [f"EXISTS {{ MATCH {way} WHERE {self._inside('scope')}{when} }}"]
        if label == "Finding":
            return [self._inside(v), self._shown_inside(v)]
        if ONTOLOGY.entities[label].placed:
            return [self._inside(v)]
        return ["false"]

    def _shown_inside(self, v: str) -> str:
        """That what a finding is about and all that shows it is visible: its sentence tells of each of them."""
        shown = f"{v}_"
        arms = []
        for _, label in ONTOLOGY.links["SHOWN_BY"].ends:
            where = " AND ".join(self.conditions(label, shown)) or "true"
            arms.append(f"WHEN {shown}:{label} THEN {where}")
        return (
            f"NOT EXISTS {{ MATCH ({v})-[:SHOWN_BY|ABOUT]->({shown}) "
            f"WHERE NOT coalesce(CASE {' '.join(arms)} ELSE false END, false) }}"
        )

    def _inside(self, v: str) -> str:
        return f"{v}.{'grid' if self.by_grid else 'place'} STARTS WITH $area_key"
