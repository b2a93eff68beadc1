"""What `quanxi load --dry-run` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from loaders.trial import Difference, FileTrial, Trial

FIRST = 8
SHOWN = 60
_STATES = {
    "received": "known already 已收过: nothing would be done",
    "held": "known and held 已收并暂扣: see `quanxi batch list --state held`",
    "retracted": "known and taken back 已撤回: it stays so",
    "purged": "known and past its retention 已过保存期限: it stays so",
}
console = Console()


def tell(trial: Trial) -> None:
    """Prints what a load would do."""
    console.print("[bold]dry run 试载[/]: nothing was changed 未作任何改动")
    for f in trial.files:
        _tell_file(f)
    if trial.ahead:
        console.print(
            f"{trial.ahead:,} batches wait and would be loaded before 另有批次先行入库; what they change is not counted here."
        )
    differences = {**trial.nodes, **{f"-[:{type}]->": d for type, d in trial.links.items()}}
    table = Table("graph 图", "added 增", "changed 改", "removed 删")
    for name, d in sorted(differences.items(), key=lambda item: (item[0].startswith("-"), item[0])):
        if d.added or d.changed or d.removed:
            table.add_row(name, f"{d.added:,}", f"{d.changed:,}", f"{d.removed:,}")
    for name, parts in (("nodes 节点", trial.nodes), ("relationships 关系", trial.links)):
        table.add_row(f"[bold]{name}[/]", *(f"[bold]{n:,}[/]" for n in _sum(parts)))
    console.print(table)


def _sum(parts: Mapping[str, Difference]) -> tuple[int, int, int]:
    return (
        sum(d.added for d in parts.values()),
        sum(d.changed for d in parts.values()),
        sum(d.removed for d in parts.values()),
    )


def _short(value: str) -> str:
    return value if len(value) <= SHOWN else value[:SHOWN] + "…"


def _tell_file(file: FileTrial) -> None:
    name = escape(f"{file.file} [{file.sheet}]" if file.sheet else file.file)
    said = f"[bold]{name}[/] → {file.feed}: {file.rows:,} rows 行"
    if file.known is None:
        said += (
            f"; loaded {file.loaded:,} · rejected 隔离 {file.rejected:,} · cells dropped 弃值 {file.dropped:,}"
            f"; records 记录: new 新 {file.new:,} · changed 变 {file.changed:,} · unchanged 同 {file.unchanged:,}"
        )
    console.print(said, highlight=False, soft_wrap=True)
    if file.known is not None:
        console.print(f"  {_STATES[file.known]}", highlight=False)
    if file.held is not None:
        console.print(
            f"  [yellow]would be held 将被暂扣[/]: {escape(file.held)} — nothing of it would be loaded"
        )
    if file.closed:
        console.print(f"  {file.closed:,} records closed or opened again by this list 快照中消失或重现")
    for r in file.reasons[:FIRST]:
        console.print(
            f"  {r.cells:,} × {escape(r.column)} {r.zh} {r.en} "
            f"(first in row {r.row} 行: {escape(_short(r.value or ''))})",
            highlight=False,
        )
    if len(file.reasons) > FIRST:
        console.print(f"  and {len(file.reasons) - FIRST} reasons more 另有其他原因")
