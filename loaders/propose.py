"""What a look at an unknown file says, as a declaration in YAML: valid as it stands, with TODO where a person must decide."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from loaders.declaration import ColumnType, Feed
from loaders.look import Column, Look
from ontology import ONTOLOGY

_PLAIN: Final = re.compile(r"[\u3400-\u9fffA-Za-z_][\u3400-\u9fffA-Za-z0-9_·]*")
_ID_END = re.compile(
    r"(?:公民|居民)?(?:身份号码|身份证件号码?|身份证号码?|身份证|有效证件号码?|证件号码?|证照号码?|证件|id_?number|id_?card)$",
    re.IGNORECASE,
)
_CODE_END = re.compile(
    r"(?:统一社会信用代码|社会信用代码|统一信用代码|信用代码|代码|证件号码?|证照号码?|注册号|uscc)$",
    re.IGNORECASE,
)
_PHONE_END = re.compile(
    r"(?:联系电话|联系方式|手机号码?|手机|电话号码?|电话|号码|phone|mobile)$", re.IGNORECASE
)
_DATES = (ColumnType.DATE, ColumnType.DATETIME)
_SELF = ("", "本人", "居民", "人员", "登记人", "户籍", "逝者", "死者", "儿童", "学生", "老人", "患者")
_ALIASES: Final = {
    "报警人": "caller", "来电人": "caller", "当事人": "party", "对方": "other", "申请人": "applicant",
    "被申请人": "respondent", "原告": "plaintiff", "被告": "defendant", "房东": "landlord", "承租人": "tenant",
    "租客": "tenant", "产权人": "owner", "共有人": "co_owner", "所有人": "owner", "车主": "owner", "户主": "head",
    "法定代表人": "representative", "负责人": "representative", "项目经理": "manager", "劳动者": "worker",
    "校长": "principal", "消费者": "consumer", "逝者": "deceased", "申报人": "informant", "信访人": "petitioner",
    "来访人": "visitor", "施工单位": "builder", "建设单位": "client", "用人单位": "employer", "工作单位": "employer",
    "使用单位": "user", "运营单位": "operator", "用户": "user", "监护人": "guardian", "驾驶人": "driver", "投诉人": "complainant",
}  # fmt: skip
_ROLES: Final = (
    (r"报警|来电|拨打", "caller"), (r"被申请|被投诉|被告|对方|被举报|被反映|主体", "respondent"),
    (r"申请|投诉|原告|信访|消费者|劳动者|举报|反映", "applicant"), (r"来访", "visitor"), (r"走访|对象", "visited"),
    (r"上报|报告人", "reporter"), (r"申报", "registrant"), (r"受害|伤者", "victim"), (r"嫌疑", "suspect"),
    (r"联系", "contact"), (r"调解员", "mediator"), (r"检查|受检|单位", "subject"), (r"队员|巡", "patrol"),
)  # fmt: skip
_EVENT = re.compile(
    r"发生|事发|报警|来电|受理|上报|检查|来访|登记时间|登记日期|申请|举报|投诉|预警|触发|打卡|走访|开始|立案|接报|发现|诉求|occurred|created",
    re.IGNORECASE,
)
_NO_EVENT = re.compile(
    r"出生|成立|注销|有效|起租|退租|入住|离开|入队|退队|安装|启用|投用|开工|竣工|发证|年审|检验|取得|死亡|截止|期限|到期|建校|制造|备案|birth",
    re.IGNORECASE,
)
_SUMMARY = re.compile(r"内容|描述|简要|情况|诉求$|请求|事由|摘要|经过|summary|description", re.IGNORECASE)
_FIELDS: Final[Mapping[str, Sequence[tuple[str, str, tuple[ColumnType, ...]]]]] = {
    "Person": (
        ("birth", r"出生|生日|birth", _DATES), ("died", r"死亡日期|死亡时间", _DATES),
    ),
    "Enterprise": (
        ("founded", r"成立", _DATES), ("closed", r"注销", _DATES), ("staff", r"从业人数|职工数|员工数", (ColumnType.INTEGER,)),
        ("capital", r"注册资本", (ColumnType.NUMBER,)), ("registration_no", r"^注册号$", (ColumnType.TEXT,)),
    ),
    "Vehicle": (("brand", r"品牌|厂牌", (ColumnType.TEXT,)),),
    "House": (
        ("rented", r"是否出租", (ColumnType.BOOLEAN,)), ("area", r"面积", (ColumnType.NUMBER,)),
        ("estate_unit_no", r"不动产单元号", (ColumnType.TEXT,)),
    ),
    "Device": (
        ("name", r"^(?:设备|点位|测站)?名称$", (ColumnType.TEXT,)), ("installed", r"安装|启用|投用|接入日期", _DATES),
        ("maker", r"制造|厂家|厂商", (ColumnType.TEXT,)), ("due", r"下次", _DATES),
    ),
    "Incident": (
        ("closed_at", r"办结|结案|完成时间|解除|结束|答复|closed", _DATES), ("deadline", r"期限|deadline", _DATES),
        ("title", r"标题|事件名称|title", (ColumnType.TEXT,)),
    ),
}  # fmt: skip
_PLACED: Final = {
    "Incident": "OCCURRED_AT", "Person": "LIVES_AT", "Enterprise": "AT", "Vehicle": "REGISTERED_AT", "House": "AT",
    "Device": "AT",
}  # fmt: skip
_SINCE: Final = {
    "LIVES_AT": r"入住|迁入|居住起", "RENTS": r"起租|租赁开始|租期起", "OWNS": r"取得|登记日期", "AT": r"成立|安装|启用|投用|接入",
    "REGISTERED_AT": r"登记日期|注册日期",
}  # fmt: skip
_UNTIL: Final = {"LIVES_AT": r"离开|迁出|搬离", "RENTS": r"退租|租期止|租赁结束", "AT": r"注销|停用"}
TODO: Final = "TODO 待定"
SHOWN: Final = 12
"""Distinct values up to which a column's are told, where no term list fits."""


@dataclass(slots=True)
class _Entity:
    label: str
    id: list[tuple[str, str]]
    set: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, str]] = field(default_factory=list)
    trust: int | None = None
    said: str = ""
    stem: str = ""


@dataclass(slots=True)
class _Link:
    start: str
    type: str
    end: str | None = None
    place: dict[str, str] = field(default_factory=dict)
    set: dict[str, str] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None
    said: str = ""


@dataclass(slots=True)
class _Draft:
    look: Look
    name: str
    entities: dict[str, _Entity] = field(default_factory=dict)
    links: list[_Link] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    moments: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def add(self, alias: str, entity: _Entity) -> str:
        name, n = alias, 2
        while name in self.entities:
            name, n = f"{alias}_{n}", n + 1
        self.entities[name] = entity
        return name

    def join(self, start: str, type: str, end: str, said: str = "", **values: str) -> None:
        """A link, when the ontology knows it between such ends."""
        ends = (self.entities[start].label, self.entities[end].label)
        if ends in ONTOLOGY.links[type].ends and start != end:
            link = _Link(start, type, end, set=values, said=said)
            self._times(link)
            self.links.append(link)

    def at(self, start: str, text: str | None, code: str | None) -> None:
        type = _PLACED[self.entities[start].label]
        place = {"code": code, "text": text}
        link = _Link(start, type, place={k: v for k, v in place.items() if v is not None})
        self._times(link)
        self.links.append(link)

    def _times(self, link: _Link) -> None:
        if not ONTOLOGY.links[link.type].history:
            return
        for bound, patterns in (("since", _SINCE), ("until", _UNTIL)):
            pattern = patterns.get(link.type)
            found = self.dated(pattern) if pattern else None
            if found is not None:
                setattr(link, bound, found.name)

    def dated(self, pattern: str) -> Column | None:
        return next((c for c in self.look.columns if c.type in _DATES and re.search(pattern, c.name)), None)

    def of_terms(self, name: str) -> list[Column]:
        return [c for c in self.look.columns if c.terms == name]


def propose(look: Look, feeds: Mapping[str, Feed] | None = None, name: str | None = None) -> str:
    """The declaration proposed for a file, as commented YAML that `load_feeds` accepts.

    Args:
        feeds: those declared already, whose names are not used again.
        name: the feed's; else it is made of the file's name.
    """
    feeds = feeds or {}
    draft = _Draft(look, _feed_name(look, feeds, name))
    _people_and_firms(draft)
    main = _main(draft)
    _relations(draft, main)
    _whereabouts(draft, main)
    text = "\n".join(_written(draft, main, feeds)) + "\n"
    Feed.model_validate(yaml.safe_load(text))
    return text


def _feed_name(look: Look, feeds: Mapping[str, Feed], name: str | None) -> str:
    stem = name or re.sub(r"\.[^.]+$", "", look.file)
    plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    plain = re.sub(r"_?(?:19|20)\d{6}$", "", plain).lstrip("0123456789_") or "new_feed"
    found, n = plain, 2
    while found in feeds and name is None:
        found, n = f"{plain}_{n}", n + 1
    return found


# -- whom a row speaks of --------------------------------------------------------------------------------------------


def _people_and_firms(draft: _Draft) -> None:
    columns = draft.look.columns
    for index, column in enumerate(columns):
        kind = column.type
        if kind in (ColumnType.CITIZEN_ID, ColumnType.IDENTITY):
            stem = _ID_END.sub("", column.name)
            named = _name_column(draft, index, stem, ("name", "firm"))
            # Where the names beside the numbers are firms' too, so will be some of the numbers.
            if kind is ColumnType.CITIZEN_ID and named is not None and named.kinds.get("firm", 0) >= 0.01:
                kind = ColumnType.IDENTITY
                draft.identity[column.name] = "旁列中有企业名称 names of firms stand beside it"
            alias = _ALIASES.get(stem, "person")
            values = {"name": named.name} if named is not None else {}
            person = draft.add(alias, _Entity("Person", [("id_number", column.name)], values, stem=stem))
            _phone_of(draft, person, stem)
            if kind is ColumnType.IDENTITY:
                values = {"uscc": column.name, **({"name": named.name} if named is not None else {})}
                draft.add(
                    f"{person}_enterprise", _Entity("Enterprise", [("uscc", column.name)], values, stem=stem)
                )
        elif kind is ColumnType.USCC:
            stem = _CODE_END.sub("", column.name)
            named = _name_column(draft, index, stem, ("firm",))
            values = {"uscc": column.name, **({"name": named.name} if named is not None else {})}
            draft.add(
                _ALIASES.get(stem, "enterprise"),
                _Entity("Enterprise", [("uscc", column.name)], values, stem=stem),
            )
        elif kind is ColumnType.PLATE:
            draft.add("vehicle", _Entity("Vehicle", [("plate", column.name)], {"plate": column.name}))
    for column in columns:
        if column.type is ColumnType.MOBILE and column.name not in draft.taken:
            stem = _PHONE_END.sub("", column.name)
            alias = f"{_ALIASES[stem]}_phone" if stem in _ALIASES else "phone"
            draft.add(alias, _Entity("Phone", [("number", column.name)], {"number": column.name}, stem=stem))


def _name_column(draft: _Draft, index: int, stem: str, kinds: Sequence[str]) -> Column | None:
    """The column with the name of whom a number stands for: by its own name, else by what stands beside."""
    columns = draft.look.columns

    def fits(column: Column) -> bool:
        share = sum(column.kinds.get(k, 0.0) for k in kinds)
        return column.type is ColumnType.TEXT and column.name not in draft.taken and share >= 0.4

    wanted = [
        f"{stem}姓名",
        stem,
        f"{stem}名称",
        f"{stem}名",
        "企业名称" if not stem else "",
        "单位名称" if not stem else "",
    ]
    found = next((c for name in wanted for c in columns if name and c.name == name and fits(c)), None)
    if found is None:
        near = sorted(range(len(columns)), key=lambda i: (abs(i - index), i))
        found = next((columns[i] for i in near if abs(i - index) <= 3 and fits(columns[i])), None)
    if found is not None:
        draft.taken.add(found.name)
    return found


def _phone_of(draft: _Draft, person: str, stem: str) -> None:
    phones = [c for c in draft.look.columns if c.type is ColumnType.MOBILE and c.name not in draft.taken]
    mine = next((c for c in phones if _PHONE_END.sub("", c.name) == stem), None)
    if mine is None:
        return
    draft.taken.add(mine.name)
    draft.entities[person].set["mobile"] = mine.name
    phone = draft.add(
        f"{person}_phone", _Entity("Phone", [("number", mine.name)], {"number": mine.name}, stem=stem)
    )
    draft.join(person, "HAS_PHONE", phone)


def _main(draft: _Draft) -> str | None:
    """What a row is about, as far as it can be told: added to the draft, or found among those that are in it."""
    look = draft.look
    key = look.column(look.key[0])
    if len(look.key) == 1 and key.type is ColumnType.TEXT and key.kinds.get("deep", 0) < 0.5:
        time = _event_time(look)
        kinds, states = draft.of_terms("incident_kind"), draft.of_terms("matter_state")
        summary = _summary(look)
        if time is not None and (kinds or states or summary is not None):
            return _incident(draft, key, time, kinds, states, summary)
        for pattern, label, field_name, alias in (
            (r"房屋|不动产|房源", "House", "hid", "house"),
            (r"设备|点位|测站|气瓶|电梯|探头|摄像|传感|装置|device|sensor|camera", "Device", "did", "device"),
        ):
            if re.search(pattern, key.name, re.IGNORECASE):
                return _filled(
                    draft, draft.add(alias, _Entity(label, [(field_name, key.name)], {field_name: key.name}))
                )
    own = [
        (alias, entity) for alias, entity in draft.entities.items()
        if entity.label in ("Person", "Enterprise", "Vehicle") and not alias.endswith("_enterprise")
        and look.column(entity.id[0][1]).filled >= 0.3
        and (entity.id[0][1] in look.key or look.column(entity.id[0][1]).unique >= 0.8)
    ]  # fmt: skip
    by_key = [alias for alias, entity in own if entity.id[0][1] in look.key]
    itself = [alias for alias, entity in own if entity.stem in _SELF]
    found = next(iter(by_key + itself), None)
    if found is None:
        return None
    if len(look.key) == 1 and key.type is ColumnType.TEXT:
        # Who has no number, or a wrong one, is still somebody: known by the record's key, in this feed alone.
        draft.entities[found].id.append((draft.name, key.name))
    return _filled(draft, found)


def _event_time(look: Look) -> Column | None:
    times = [
        c for c in look.columns
        if c.type in _DATES and c.filled >= 0.9 and c.share >= 0.9 and c.name != look.effective and not _NO_EVENT.search(c.name)
    ]  # fmt: skip
    named = [c for c in times if _EVENT.search(c.name)]
    return next(iter(named or [c for c in times if c.type is ColumnType.DATETIME]), None)


def _summary(look: Look) -> Column | None:
    texts = [
        c for c in look.columns if c.type is ColumnType.TEXT and _SUMMARY.search(c.name) and c.unique > 0.05
    ]
    return max(texts, key=lambda c: sum(len(v) for v, _ in c.common) / max(1, len(c.common)), default=None)


def _incident(
    draft: _Draft,
    key: Column,
    time: Column,
    kinds: Sequence[Column],
    states: Sequence[Column],
    summary: Column | None,
) -> str:
    values = {"number": key.name, "occurred_at": time.name}
    if kinds:
        values["kind"] = kinds[0].name
        if len(kinds) > 1:
            values["category"] = kinds[1].name
    else:
        values["kind"] = "=other"
        draft.todo.append("incident.kind: 事件类别,见 terms/incident_kind which kind of incident?")
    if summary is not None:
        values["summary"] = summary.name
    if states:
        values["state"] = states[0].name
    incident = _Entity("Incident", [(draft.name, key.name)], values, [(time.name, "accepted")])
    alias = draft.add("incident", incident)
    draft.todo.append("incident: 事件,还是要办的事项 or is it a Matter, something to be done?")
    _filled(draft, alias)
    closed = incident.set.get("closed_at")
    if closed is not None:
        incident.steps.append((closed, "done"))
    draft.moments.update(c for c in (time.name, closed, incident.set.get("deadline")) if c is not None)
    return alias


def _filled(draft: _Draft, alias: str) -> str:
    """An entity with the columns that its fields are told by: by term list, by name and type."""
    entity = draft.entities[alias]
    used = set(entity.set.values())
    fields = ONTOLOGY.entities[entity.label].fields()
    if entity.label != "Incident":
        for name, spec in fields.items():
            if spec.meta.terms is not None and name not in entity.set and not spec.meta.derived:
                found = next((c for c in draft.of_terms(spec.meta.terms) if c.name not in used), None)
                if found is not None:
                    entity.set[name] = found.name
                    used.add(found.name)
    elif draft.of_terms("severity"):
        entity.set["severity"] = draft.of_terms("severity")[0].name
    for name, pattern, types in _FIELDS.get(entity.label, ()):
        found = next(
            (
                c
                for c in draft.look.columns
                if c.type in types and c.name not in used and re.search(pattern, c.name)
            ),
            None,
        )
        if found is not None and name not in entity.set:
            entity.set[name] = found.name
            used.add(found.name)
    if entity.label == "Vehicle":
        vin = next((c for c in draft.look.columns if c.kinds.get("vin", 0) >= 0.5), None)
        if vin is not None:
            entity.id.append(("vin", vin.name))
            entity.set["vin"] = vin.name
    return alias


# -- how they are related --------------------------------------------------------------------------------------------


def _relations(draft: _Draft, main: str | None) -> None:
    house = next((a for a, e in draft.entities.items() if e.label == "House"), None)
    for pattern, label, field_name, alias in (
        (r"^(?:房屋|房源)编[号码]$", "House", "hid", "house"),
        (r"^(?:接入|物联|平台|关联)?设备(?:编)?[号码]$|^device_?id$", "Device", "did", "device"),
    ):
        for column in draft.look.columns:
            known = any(column.name == c for e in draft.entities.values() for _, c in e.id)
            if (
                column.type is ColumnType.TEXT
                and not known
                and re.search(pattern, column.name, re.IGNORECASE)
            ):
                made = draft.add(
                    alias, _Entity(label, [(field_name, column.name)], {field_name: column.name}, trust=20)
                )
                house = made if label == "House" else house
    if main is None and house is not None:
        main = house
    paired = {link.end for link in draft.links if link.type == "HAS_PHONE"}
    for alias, entity in list(draft.entities.items()):
        if alias == main or main is None:
            continue
        if entity.trust is None:
            entity.trust = 30
        about = draft.entities[main]
        match about.label:
            case "Incident":
                if alias in paired:
                    continue
                sure, role = _role(entity, draft)
                said = "" if sure else f"{TODO} role: 见 terms/incident_role"
                draft.join(alias, "INVOLVED_IN", main, said, role=f"={role}")
            case "House" if entity.label in ("Person", "Enterprise"):
                if re.search(r"承租|租客|租户", entity.stem):
                    draft.join(alias, "RENTS", main)
                elif re.search(r"产权|共有|业主|房东|房主|所有", entity.stem):
                    draft.join(
                        alias, "OWNS", main, "" if "房东" not in entity.stem else f"{TODO} 房东未必是产权人"
                    )
                else:
                    draft.todo.append(f"{alias} — house: OWNS 拥有 or RENTS 承租?")
            case "Vehicle" if entity.label in ("Person", "Enterprise"):
                if re.search(r"所有人|车主|权属", entity.stem):
                    draft.join(alias, "OWNS", main)
                else:
                    draft.todo.append(f"{alias} — vehicle: OWNS 拥有?")
            case "Enterprise" if entity.label == "Person":
                if re.search(r"法定代表|负责人|经营者|法人|校长", entity.stem):
                    draft.join(alias, "REPRESENTS", main)
                else:
                    draft.todo.append(f"{alias} — enterprise: REPRESENTS 任法定代表人 or WORKS_FOR 受雇于?")
            case "Person" if entity.label == "Enterprise":
                if re.search(r"工作|用人|就业|任职", entity.stem):
                    draft.join(main, "WORKS_FOR", alias)
                else:
                    draft.todo.append(f"{main} — {alias}: WORKS_FOR 受雇于 or REPRESENTS 任法定代表人?")
            case "Person" if entity.label == "Person":
                draft.todo.append(f"{main} — {alias}: RELATED_TO 亲属? with set: {{kin: …}}")
            case "Person" | "Enterprise" if entity.label == "Phone" and alias not in paired:
                if entity.stem in _SELF:
                    draft.join(main, "HAS_PHONE", alias)
                    if about.label == "Person":
                        about.set.setdefault("mobile", entity.id[0][1])
                    else:
                        about.set.setdefault("phone", entity.id[0][1])
                else:
                    draft.todo.append(f"whose phone 谁的电话: {alias}?")
            case "Device" if entity.label in ("Person", "Enterprise"):
                draft.join(alias, "USES", main, f"{TODO} 使用单位还是其他?")
            case _ if alias not in paired:
                draft.todo.append(f"{main} — {alias}: 什么关系 how are they related?")
    if main is None and len(draft.entities) > 1:
        draft.todo.append(
            "一行说的是什么:人、企业、事件、房屋? What is a row about? Relationships follow from it."
        )
    if not draft.entities:
        draft.todo.append(
            "没有发现可识别的人、企业、车辆或事件:写出 entities 后,行才会成为实体 nothing was found that a row speaks of"
        )


def _role(entity: _Entity, draft: _Draft) -> tuple[bool, str]:
    if entity.label in ("Vehicle", "Device"):
        return True, entity.label.lower()
    where = entity.stem or entity.id[0][1]
    for pattern, role in _ROLES:
        if re.search(pattern, where):
            return False, role
    return False, "subject" if entity.label == "Enterprise" else "party"


def _whereabouts(draft: _Draft, main: str | None) -> None:
    for index, (text, code) in enumerate(draft.look.places):
        label = draft.entities[main].label if main is not None else None
        home = (
            label != "Person"
            or text is None
            or re.search(r"住|居|户籍|家庭|^(?:联系|详细)?地址$|address", text, re.IGNORECASE)
        )
        if main is not None and label in _PLACED and index == 0 and home:
            draft.at(main, text, code)
        else:
            house = next((a for a, e in draft.entities.items() if e.label == "House"), None)
            if index == 0 and house is not None:
                draft.at(house, text, code)
            else:
                named = " / ".join(x for x in (text, code) if x is not None)
                draft.todo.append(f"地址列 {named}: 谁在那里 who or what is there?")


# -- as YAML ---------------------------------------------------------------------------------------------------------


def _q(text: str) -> str:
    """A text as a YAML scalar that is safe in flow mappings too."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _written(draft: _Draft, main: str | None, feeds: Mapping[str, Feed]) -> Iterator[str]:
    look = draft.look
    title = re.sub(
        r"[_\-\s.]*(?:19|20)\d{2}[-_.]?\d{2}([-_.]?\d{2})?$",
        "",
        re.sub(r"\.[^.]+(?:\.(?:gz|zst))?$", "", look.file),
    )
    department, _, subject = title.partition("_")
    pattern = re.sub(r"[\[\]*?]", "?", title)
    yield f"# 由 {_c(look.file)} 推测,须经核对 Proposed from a look at the file; to be checked by a person."
    said = [look.form]
    if look.encoding:
        said.append(f"编码 encoding {look.encoding}")
    if look.delimiter:
        said.append(f"分隔符 delimiter {json.dumps(look.delimiter, ensure_ascii=False)}")
    said.append(f"表头在第 {look.header_row or 1} 行 header in row {look.header_row or 1}")
    if look.sheet is not None:
        said.append(f"工作表 sheet {_c(look.sheet)}")
    yield f"# 文件 file: {', '.join(said)}; 样本 sample: {look.rows:,} {'行,全部 rows, all' if look.whole else '行 rows'}."
    if look.others:
        yield f"# 其他工作表 other sheets: {_c(', '.join(look.others))}"
    for note in look.notes[:5]:
        yield f"# 提示 note: {_c(note)}"
    if look.bad:
        yield f"# 样本中有 {look.bad} 行无法读取 rows of the sample could not be read."
    takers = [f.feed for f in feeds.values() if f.takes(look.file)]
    if takers:
        yield f"# 注意:已有数据源收取此文件名 a declared feed takes files of this name already: {', '.join(takers)}"
    if draft.todo:
        yield f"# {TODO}:"
        yield from (f"#   - {_c(line)}" for line in draft.todo)
    yield f"feed: {_q(draft.name)}  # {TODO}: 英文小写名 a name in lower-case English"
    yield f"zh: {_q(title.replace('_', '·', 1) or draft.name)}"
    yield f"en: {_q(draft.name.replace('_', ' ').capitalize())}  # {TODO}"
    yield f"department: {_q(department if subject else '未知')}  # {TODO}: 报送部门 who sends it"
    yield f'legal_basis: ""  # {TODO}: 法律依据'
    yield f"match: [{_q(f'*{pattern}*') if pattern else _q(look.file)}]"
    yield f"trust: 50  # {TODO}: 0–100"
    key = [look.column(k) for k in look.key]
    sure = f"{min(c.filled for c in key):.1%} 有值 filled"
    if len(key) == 1:
        sure += f", {key[0].unique:.1%} 互异 distinct"
        if key[0].unique < 0.9:
            sure = f"{TODO}: 没有唯一的列 no column is unique; {sure}"
    yield f"key: [{', '.join(_q(k) for k in look.key)}]  # {sure}"
    if look.effective is not None:
        yield f"effective: {_q(look.effective)}"
    else:
        yield "# effective: 没有更新时间一类的列,以文件名中的日期为准 none found: the day in the file's name is taken"
    yield "columns:"
    for column in look.columns:
        yield _column(draft, column)
    if not draft.entities:
        yield "entities: {}"
        return
    yield "entities:"
    for alias, entity in draft.entities.items():
        yield f"  {alias}:{'  # 一行所述 what a row is about' if alias == main else ''}"
        yield f"    label: {entity.label}"
        alternatives = [f"{{{_q(space)}: {_q(column)}}}" for space, column in entity.id]
        yield f"    id: {alternatives[0] if len(alternatives) == 1 else '[' + ', '.join(alternatives) + ']'}"
        if entity.set:
            yield f"    set: {{{', '.join(f'{k}: {_q(v)}' for k, v in entity.set.items())}}}"
        if entity.steps:
            yield "    steps:"
            yield from (f"      - {{at: {_q(at)}, to: {to}}}" for at, to in entity.steps)
        if entity.trust is not None:
            yield f"    trust: {entity.trust}"
    if not draft.links:
        return
    yield "links:"
    for link in draft.links:
        parts = [f"start: {link.start}", f"type: {link.type}"]
        if link.end is not None:
            parts.append(f"end: {link.end}")
        else:
            parts.append(f"place: {{{', '.join(f'{k}: {_q(v)}' for k, v in link.place.items())}}}")
        parts += [f"{k}: {_q(v)}" for k, v in (("since", link.since), ("until", link.until)) if v is not None]
        if link.set:
            parts.append(f"set: {{{', '.join(f'{k}: {_q(v)}' for k, v in link.set.items())}}}")
        yield f"  - {{{', '.join(parts)}}}{f'  # {link.said}' if link.said else ''}"


def _column(draft: _Draft, column: Column) -> str:
    look = draft.look
    kind, parts = column.type, []
    if column.name in draft.identity:
        kind = ColumnType.IDENTITY
    if kind is ColumnType.DATE and column.name in draft.moments:
        kind = ColumnType.DATETIME
    if kind is not ColumnType.TEXT:
        parts.append(f"type: {kind.value}")
    for name in ("terms", "unit", "format", "separator"):
        value = getattr(column, name)
        if value is not None:
            parts.append(f"{name}: {_q(value)}")
    if column.name in look.key and len(look.key) == 1 and column.filled > 0.999:
        parts.append("required: true")
    elif kind not in (ColumnType.TEXT, ColumnType.LIST):
        parts.append("on_bad: drop")
    elif column.distinct == 1 and column.filled == 1 and look.rows > 1 and column.name not in look.key:
        parts.append("optional: true")
    said = []
    if kind is not ColumnType.TEXT and kind is not ColumnType.LIST:
        said.append(f"{column.share:.1%} 合乎 fit")
    if column.filled < 0.9995:
        said.append(f"{column.filled:.1%} 有值 filled")
    if column.name in draft.identity:
        said.append(draft.identity[column.name])
    said += column.said
    if any(column.name == text for text, _ in look.places):
        said.append("地址 address")
    elif any(column.name == code for _, code in look.places):
        said.append("地址编码 address code")
    elif (
        kind is ColumnType.TEXT
        and column.kinds.get("name", 0) < 0.3
        and 1 < column.distinct <= SHOWN
        and column.unique < 0.5
    ):
        said.append("取值 values: " + ", ".join(f"{v[:20]} ({n})" for v, n in column.common[:SHOWN]))
    comment = f"  # {_c('; '.join(said))}" if said else ""
    return f"  {_q(column.name)}: {{{', '.join(parts)}}}{comment}"


def _c(text: str) -> str:
    """A text in a comment: on one line."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text))
