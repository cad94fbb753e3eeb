"""What a config says of a feature table: the roles of its columns, and which rows are tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

NOT_TIME_HONEST = "not time-honest"
NOT_TIME_HONEST_ZH = "非时间外检验"
NOT_AUDITABLE = "not auditable"


@dataclass(frozen=True)
class Roles:
    """What each column of a table is for.

    `key` names a row (None: the number of the row); with a `cutoff` column the
    key may repeat over cut-offs. `event` is the value of the label that counts
    as 1, as text. Without `features`, every column without another role is one.
    `missing` maps a column (or "*", all of them) to the codes that mean "not
    known", as text. `groups` maps a concept to the columns that share one reason.
    `protected` columns are never features; a report shows figures by them.
    `derive` maps a new feature to the expression over other columns of its row.
    """

    label: str
    event: str | None = None
    key: str | None = None
    cutoff: str | None = None
    weight: str | None = None
    features: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: str | None = None
    protected: tuple[str, ...] = ()
    derive: Mapping[str, str] = field(default_factory=dict)

    @property
    def reserved(self) -> tuple[str, ...]:
        """Columns with a role, which are therefore no features."""
        named = (self.label, self.key, self.cutoff, self.weight, self.order)
        return (*(name for name in named if name is not None), *self.protected)


@dataclass(frozen=True)
class TableSplit:
    """Which rows of a table are tested.

    `later`: cut-offs from `first` on. `last`: the last `share` of the rows, in
    the order of a column or, as the config states, of the file. `random`: a
    stratified draw of `share` of the rows. `folds`: every row once, by a model
    that learned from the others. The last two are how many papers test; their
    figures say nothing of later months and are stamped so. `train` and `test`
    are the first and last cut-off of each part, where the table has any.
    """

    kind: Literal["later", "last", "random", "folds"]
    first: date | None = None
    share: float = 0.0
    folds: int = 0
    seed: int = 7
    by: str = ""
    holdout_buckets: int | None = None
    train: tuple[date, ...] = ()
    out_of_time: tuple[date, ...] = ()

    @property
    def is_out_of_time(self) -> bool:
        return self.kind in ("later", "last")

    @property
    def stamp(self) -> str:
        """What every figure of this test carries: nothing, or that it is not time-honest."""
        return "" if self.is_out_of_time else NOT_TIME_HONEST

    @property
    def tested_on(self) -> str:
        """The test in one sentence."""
        if self.kind == "later":
            return "later cut-offs, all customers"
        if self.kind == "last":
            by = "the order of the file, as the config states" if self.by in ("", "rows") else self.by
            return f"the last {self.share:.0%} of the rows by {by}: later rows, undated"
        how = f"{self.folds} random folds" if self.kind == "folds" else f"{self.share:.0%} of the rows drawn at random"
        return f"{how}, stratified, seed {self.seed} (protocol: published): {NOT_TIME_HONEST}"

    @property
    def tested_on_zh(self) -> str:
        if self.kind == "later":
            return "较晚截止日的全部客户"
        if self.kind == "last":
            by = "文件行序(由配置声明)" if self.by in ("", "rows") else self.by
            return f"按{by}排在最后 {self.share:.0%} 的行:较晚,但无日期"
        how = f"{self.folds} 折随机交叉" if self.kind == "folds" else f"随机抽取 {self.share:.0%} 的行"
        return f"{how},分层,种子 {self.seed}(已发表口径):{NOT_TIME_HONEST_ZH}"
