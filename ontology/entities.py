"""The entities of a district: what a node can be, declared once."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ontology.model import Entity, Field, Lookup, Sensitivity

PERSONAL, SENSITIVE, HIDDEN = (
    Sensitivity.PERSONAL,
    Sensitivity.SENSITIVE,
    Sensitivity.HIDDEN,
)
INTERNAL = Sensitivity.INTERNAL
UNIQUE, INDEX, TEXT, PART = Lookup.UNIQUE, Lookup.INDEX, Lookup.TEXT, Lookup.PART

Str = str | None
Int = int | None
Float = float | None
Bool = bool | None
Strs = list[str] | None


class Node(Entity):
    id: Annotated[str, Field("内部编号", "internal id", lookup=UNIQUE, derived=True)]


class Placed(Node):
    """An entity that stands somewhere: the fold derives its place and grid from its relationship to an address."""

    place: Annotated[Str, Field("地点键", "place key", INTERNAL, INDEX, derived=True)] = None
    grid: Annotated[Str, Field("网格编码", "grid code", INTERNAL, INDEX, derived=True)] = None
    place_text: Annotated[Str, Field("来源地址文本", "address as written", PERSONAL, derived=True)] = None
    place_level: Annotated[Str, Field("落址层级", "level placed at", derived=True)] = None
    place_confidence: Annotated[Float, Field("落址可信度", "placement confidence", derived=True)] = None


class Address(Node):
    zh, en, prefix, title_field = "地址", "Address", "adr", "full_name"
    code: Annotated[str, Field("地址编码", "address code", lookup=UNIQUE, text=True)]
    level: Annotated[Str, Field("层级", "level", lookup=INDEX, terms="address_level")] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    full_name: Annotated[Str, Field("全称", "full name", lookup=TEXT)] = None
    aliases: Annotated[Strs, Field("别名", "aliases", lookup=TEXT, gathered=True)] = None
    former_codes: Annotated[Strs, Field("曾用编码", "former codes")] = None
    # Several of theirs may be one of ours.
    other_codes: Annotated[
        Strs, Field("其他机构编码", "codes of other authorities, authority:code", gathered=True)
    ] = None
    door_number: Annotated[Str, Field("门牌号", "door number")] = None
    storeys: Annotated[Int, Field("层数", "storeys")] = None
    zone_kind: Annotated[Str, Field("防区类别", "kind of zone", lookup=INDEX, terms="zone_kind")] = None
    # What one more department calls it: claimed by feeds of names, gathered by the fold into the lists of names below.
    also_name: Annotated[Str, Field("另称", "a name in use", HIDDEN)] = None
    also_kind: Annotated[Str, Field("另称类别", "kind of that name", HIDDEN, terms="name_kind")] = None
    also_since: Annotated[Str, Field("另称启用日期", "that name in use since", HIDDEN)] = None
    also_until: Annotated[Str, Field("另称停用日期", "that name in use until", HIDDEN)] = None
    name_texts: Annotated[Strs, Field("各名称", "its names", INTERNAL, TEXT, derived=True)] = None
    name_kinds: Annotated[Strs, Field("各名称的类别", "kinds of its names", INTERNAL, derived=True)] = None
    name_since: Annotated[
        Strs, Field("各名称的启用日期", "its names in use since", INTERNAL, derived=True)
    ] = None
    name_until: Annotated[
        Strs, Field("各名称的停用日期", "its names in use until", INTERNAL, derived=True)
    ] = None
    name_feeds: Annotated[
        Strs, Field("各名称的来源", "feeds that its names come from", INTERNAL, derived=True)
    ] = None
    # The codes and names it had before, oldest first: era i ended on era_until[i], by a change of era_kinds[i].
    era_codes: Annotated[Strs, Field("历次编码", "codes it had before", INTERNAL, derived=True)] = None
    era_names: Annotated[Strs, Field("历次名称", "names it had before", INTERNAL, TEXT, derived=True)] = None
    era_full_names: Annotated[
        Strs, Field("历次全称", "full names it had before", INTERNAL, TEXT, derived=True)
    ] = None
    era_until: Annotated[Strs, Field("历次止期", "days on which those ended", INTERNAL, derived=True)] = None
    era_kinds: Annotated[
        Strs, Field("历次变更类型", "kinds of change that ended those", INTERNAL, derived=True)
    ] = None
    begun_by: Annotated[
        Str,
        Field("由何变更设立", "kind of change that made it", INTERNAL, terms="succession_kind", derived=True),
    ] = None
    begun_on: Annotated[Str, Field("设立日期", "day of that change", INTERNAL, derived=True)] = None
    predecessors: Annotated[
        Strs, Field("前身编码", "codes of what it was made of", INTERNAL, derived=True)
    ] = None
    ended_by: Annotated[
        Str,
        Field(
            "因何变更终止", "kind of change that ended it", INTERNAL, terms="succession_kind", derived=True
        ),
    ] = None
    ended_on: Annotated[Str, Field("终止日期", "day of that change", INTERNAL, derived=True)] = None
    successors: Annotated[Strs, Field("后继编码", "codes of what it became", INTERNAL, derived=True)] = None
    # "day|place key": what lay in it before that day and now lies elsewhere (left), or the other way round (joined).
    left_keys: Annotated[Strs, Field("划出", "what has left it", INTERNAL, derived=True)] = None
    joined_keys: Annotated[Strs, Field("划入", "what has joined it", INTERNAL, derived=True)] = None
    since: Annotated[Str, Field("启用日期", "in use since")] = None
    until: Annotated[Str, Field("停用日期", "in use until")] = None
    longitude: Annotated[Float, Field("经度(CGCS2000)", "longitude, degrees, CGCS2000")] = None
    latitude: Annotated[Float, Field("纬度(CGCS2000)", "latitude, degrees, CGCS2000")] = None
    place: Annotated[Str, Field("地点键", "place key", INTERNAL, INDEX, derived=True)] = None
    grid: Annotated[Str, Field("网格编码", "grid code", INTERNAL, INDEX, derived=True)] = None
    parent: Annotated[Str, Field("上级编码", "code of the place above", INTERNAL, INDEX, derived=True)] = None
    n_people: Annotated[Int, Field("人数", "people", INTERNAL, derived=True)] = None
    n_floating: Annotated[Int, Field("流动人口数", "floating people", INTERNAL, derived=True)] = None
    n_houses: Annotated[Int, Field("房屋数", "houses", INTERNAL, derived=True)] = None
    n_rented: Annotated[Int, Field("出租房数", "rented houses", INTERNAL, derived=True)] = None
    n_enterprises: Annotated[Int, Field("企业数", "enterprises", INTERNAL, derived=True)] = None
    n_incidents: Annotated[Int, Field("事件数", "incidents", INTERNAL, derived=True)] = None
    n_open_matters: Annotated[Int, Field("在办事项数", "open matters", INTERNAL, derived=True)] = None
    n_matters: Annotated[Int, Field("事项数", "matters", INTERNAL, derived=True)] = None
    n_vehicles: Annotated[Int, Field("车辆数", "vehicles", INTERNAL, derived=True)] = None
    n_devices: Annotated[Int, Field("设备数", "devices", INTERNAL, derived=True)] = None
    n_volunteers: Annotated[Int, Field("红领数", "volunteers", INTERNAL, derived=True)] = None


class Succession(Node):
    zh, en, prefix, title_field = "地址变更", "Succession", "suc", "number"
    number: Annotated[Str, Field("变更编号", "number of the change", lookup=INDEX)] = None
    kind: Annotated[Str, Field("变更类型", "kind of change", terms="succession_kind")] = None
    effective: Annotated[Str, Field("生效日期", "day it took effect", lookup=INDEX)] = None
    old_code: Annotated[Str, Field("原地址编码", "code before")] = None
    new_code: Annotated[Str, Field("现地址编码", "code after")] = None
    old_name: Annotated[Str, Field("原名称", "name before")] = None
    new_name: Annotated[Str, Field("现名称", "name after")] = None


class Person(Node):
    zh, en, prefix, title_field = "人", "Person", "per", "name"
    placed: ClassVar[str] = "LIVES_AT"
    name: Annotated[Str, Field("姓名", "name", PERSONAL, TEXT)] = None
    id_hash: Annotated[Str, Field("证件号散列", "keyed hash of identity number", HIDDEN, INDEX)] = None
    id_number: Annotated[Str, Field("证件号(脱敏)", "identity number, masked form only", PERSONAL)] = None
    mobile: Annotated[Str, Field("手机号", "mobile number", SENSITIVE, history=True)] = None
    birth: Annotated[Str, Field("出生日期", "date of birth", PERSONAL)] = None
    sex: Annotated[Str, Field("性别", "sex", PERSONAL, terms="sex")] = None
    residence: Annotated[Str, Field("居住类型", "residence", terms="residence")] = None
    died: Annotated[Str, Field("死亡日期", "date of death", PERSONAL)] = None


class Household(Node):
    zh, en, prefix, title_field = "户", "Household", "hhd", "number"
    number: Annotated[Str, Field("户号", "household number", PERSONAL, INDEX)] = None


class House(Placed):
    zh, en, prefix, title_field = "房屋", "House", "hou", "hid"
    placed: ClassVar[str] = "AT"
    hid: Annotated[Str, Field("房屋编号", "house number", lookup=INDEX, text=True)] = None
    estate_unit_no: Annotated[Str, Field("不动产单元号", "real-estate unit number", INTERNAL, INDEX)] = None
    use: Annotated[Str, Field("用途", "use", terms="house_use")] = None
    rented: Annotated[Bool, Field("是否出租", "rented")] = None
    area: Annotated[Float, Field("建筑面积(平方米)", "floor area, m²")] = None


class Enterprise(Placed):
    zh, en, prefix, title_field = "企业", "Enterprise", "ent", "name"
    placed: ClassVar[str] = "AT"
    uscc: Annotated[
        Str,
        Field("统一社会信用代码", "unified social credit code", lookup=INDEX, text=True),
    ] = None
    registration_no: Annotated[Str, Field("注册号", "former registration number", lookup=INDEX)] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    kind: Annotated[Str, Field("主体类型", "kind", terms="enterprise_kind")] = None
    industry: Annotated[Str, Field("行业", "industry", terms="industry")] = None
    state: Annotated[Str, Field("登记状态", "state", terms="enterprise_state")] = None
    founded: Annotated[Str, Field("成立日期", "founded")] = None
    closed: Annotated[Str, Field("注销日期", "closed")] = None
    staff: Annotated[Int, Field("从业人数", "staff")] = None
    capital: Annotated[Float, Field("注册资本(万元)", "registered capital, 10,000 yuan")] = None
    phone: Annotated[Str, Field("联系电话", "contact number", SENSITIVE)] = None
    pupils: Annotated[Int, Field("在校学生数", "pupils, of a school")] = None
    beds: Annotated[Int, Field("床位数", "beds, of a medical institution")] = None


class Vehicle(Placed):
    zh, en, prefix, title_field = "车辆", "Vehicle", "veh", "plate"
    placed: ClassVar[str] = "REGISTERED_AT"
    plate: Annotated[Str, Field("号牌号码", "plate", lookup=INDEX, text=True)] = None
    plate_kind: Annotated[Str, Field("号牌种类", "kind of plate", terms="plate_kind")] = None
    vin: Annotated[Str, Field("车辆识别代号", "VIN", INTERNAL, INDEX)] = None
    kind: Annotated[Str, Field("车辆类型", "kind", terms="vehicle_kind")] = None
    brand: Annotated[Str, Field("品牌", "make")] = None
    energy: Annotated[Str, Field("能源", "energy", terms="energy")] = None
    state: Annotated[Str, Field("状态", "state", terms="vehicle_state")] = None


class Phone(Node):
    zh, en, prefix, title_field = "电话", "Phone", "tel", "number"
    number: Annotated[str, Field("号码", "number", SENSITIVE, INDEX, text=True)]


class Stepped(Placed):
    """An entity that goes through states: parallel lists, one entry a step, oldest first."""

    state: Annotated[Str, Field("状态", "state", terms="matter_state")] = None
    step_at: Annotated[Strs, Field("步骤时间", "times of the steps", derived=True)] = None
    step_to: Annotated[Strs, Field("步骤状态", "states stepped to", terms="matter_state", derived=True)] = (
        None
    )
    step_by: Annotated[Strs, Field("步骤经办", "who took the step", INTERNAL, derived=True)] = None


class Incident(Stepped):
    zh, en, prefix, title_field = "事件", "Incident", "inc", "title"
    placed: ClassVar[str] = "OCCURRED_AT"
    number: Annotated[Str, Field("来源单号", "number at its source", lookup=INDEX, text=True)] = None
    title: Annotated[Str, Field("标题", "title", lookup=TEXT)] = None
    kind: Annotated[Str, Field("类别", "kind", lookup=INDEX, terms="incident_kind")] = None
    category: Annotated[Str, Field("细类", "category", terms="incident_kind")] = None
    summary: Annotated[Str, Field("简要情况", "summary", PERSONAL)] = None
    occurred_at: Annotated[Str, Field("发生时间", "occurred at", lookup=INDEX)] = None
    severity: Annotated[Str, Field("等级", "severity", terms="severity")] = None
    deadline: Annotated[Str, Field("期限", "deadline")] = None
    rectified_at: Annotated[Str, Field("整改完成时间", "rectified at")] = None
    closed_at: Annotated[Str, Field("办结时间", "closed at")] = None
    numbers: Annotated[
        Str,
        Field(
            "各来源单号",
            "numbers at the sources of several reports, each between bars",
            lookup=PART,
            derived=True,
            text=True,
        ),
    ] = None
    report_kind: Annotated[
        Strs, Field("各来源类别", "kinds of several reports", terms="incident_kind", derived=True)
    ] = None
    report_category: Annotated[
        Strs, Field("各来源细类", "categories of several reports", terms="incident_kind", derived=True)
    ] = None
    report_at: Annotated[Strs, Field("各来源时间", "times of several reports", derived=True)] = None
    # What an index can look for, of the two lists.
    reported_as: Annotated[
        Str,
        Field(
            "各来源类别与细类",
            "kinds and categories of several reports, each between bars",
            lookup=PART,
            derived=True,
        ),
    ] = None
    day: Annotated[
        Int,
        Field(
            "发生日序",
            "day of occurrence, days since 1970-01-01",
            INTERNAL,
            derived=True,
        ),
    ] = None
    street: Annotated[Str, Field("镇街地点键", "place key of its street", INTERNAL, derived=True)] = None
    community: Annotated[Str, Field("村社地点键", "place key of its community", INTERNAL, derived=True)] = (
        None
    )


class Matter(Stepped):
    zh, en, prefix, title_field = "事项", "Matter", "mat", "number"
    placed: ClassVar[str] = "AT"
    number: Annotated[Str, Field("事项编号", "matter number", lookup=INDEX, text=True)] = None
    kind: Annotated[Str, Field("类别", "kind", lookup=INDEX, terms="matter_kind")] = None
    opened_at: Annotated[Str, Field("受理时间", "opened at")] = None
    closed_at: Annotated[Str, Field("办结时间", "closed at")] = None
    deadline: Annotated[Str, Field("期限", "deadline")] = None
    severity: Annotated[Str, Field("等级", "severity", terms="severity")] = None
    conclusion: Annotated[Str, Field("结论", "conclusion")] = None
    open: Annotated[Bool, Field("是否在办", "still open", derived=True)] = None


class Volunteer(Placed):
    zh, en, prefix, title_field = "红领", "Volunteer", "vol", "name"
    placed: ClassVar[str] = "SERVES"
    vid: Annotated[Str, Field("红领编号", "volunteer number", lookup=INDEX, text=True)] = None
    name: Annotated[Str, Field("姓名", "name", PERSONAL, TEXT)] = None
    mobile: Annotated[Str, Field("手机号", "mobile number", SENSITIVE)] = None
    role: Annotated[Str, Field("角色", "role", terms="volunteer_role")] = None
    captain: Annotated[Bool, Field("是否楼长", "building captain")] = None
    joined: Annotated[Str, Field("入队日期", "joined")] = None
    left: Annotated[Str, Field("退队日期", "left")] = None


class Team(Placed):
    zh, en, prefix, title_field = "队伍", "Team", "tea", "name"
    placed: ClassVar[str] = "SERVES"
    tid: Annotated[Str, Field("队伍编号", "team number", lookup=INDEX)] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    level: Annotated[Str, Field("层级", "level", terms="team_level")] = None


class Organisation(Node):
    zh, en, prefix, title_field = "单位", "Organisation", "org", "name"
    code: Annotated[Str, Field("单位代码", "organisation code", lookup=INDEX, text=True)] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    kind: Annotated[Str, Field("类别", "kind", terms="organisation_kind")] = None


class Post(Node):
    zh, en, prefix, title_field = "岗位", "Post", "pos", "name"
    code: Annotated[Str, Field("岗位代码", "post code", lookup=INDEX)] = None
    name: Annotated[Str, Field("名称", "name")] = None


class ChatGroup(Placed):
    zh, en, prefix, title_field = "群组", "Chat group", "grp", "name"
    placed: ClassVar[str] = "SERVES"
    gid: Annotated[Str, Field("群编号", "group number", lookup=INDEX)] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    members: Annotated[Int, Field("人数", "members")] = None


class Device(Placed):
    zh, en, prefix, title_field = "设备", "Device", "dev", "name"
    placed: ClassVar[str] = "AT"
    did: Annotated[Str, Field("设备编号", "device number", lookup=INDEX, text=True)] = None
    kind: Annotated[Str, Field("设备类型", "kind", terms="device_kind")] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    state: Annotated[Str, Field("状态", "state", terms="device_state")] = None
    use: Annotated[Str, Field("使用状态", "whether it is in use", terms="device_use")] = None
    installed: Annotated[Str, Field("安装日期", "installed")] = None
    serial: Annotated[Str, Field("注册代码", "registration code of its supervisor", lookup=INDEX)] = None
    maker: Annotated[Str, Field("制造单位", "maker")] = None
    due: Annotated[Str, Field("下次检验日期", "day by which it must be inspected next", lookup=INDEX)] = None


class Permit(Node):
    zh, en, prefix, title_field = "许可", "Permit", "pmt", "number"
    number: Annotated[Str, Field("许可编号", "permit number", lookup=INDEX)] = None
    kind: Annotated[Str, Field("类别", "kind", terms="permit_kind")] = None
    state: Annotated[Str, Field("状态", "state", terms="permit_state")] = None
    since: Annotated[Str, Field("有效期起", "valid from")] = None
    expires: Annotated[Str, Field("有效期至", "valid until")] = None
    scope: Annotated[Str, Field("许可范围", "what it allows: route and hours, trade, line")] = None
    amount: Annotated[Float, Field("金额(万元)", "amount it covers, 10,000 yuan")] = None


class Project(Placed):
    zh, en, prefix, title_field = "项目", "Project", "prj", "name"
    placed: ClassVar[str] = "AT"
    number: Annotated[Str, Field("项目编号", "project number", lookup=INDEX, text=True)] = None
    name: Annotated[Str, Field("名称", "name", lookup=TEXT)] = None
    kind: Annotated[Str, Field("类别", "kind", lookup=INDEX, terms="project_kind")] = None
    state: Annotated[Str, Field("状态", "state", terms="project_state")] = None
    since: Annotated[Str, Field("开始日期", "begun")] = None
    until: Annotated[Str, Field("结束日期", "ended, or planned to end")] = None
    area: Annotated[Float, Field("面积(平方米)", "area, m²")] = None
    volume: Annotated[Float, Field("土方量(万立方米)", "earth to move or room for it, 10,000 m³")] = None


class Trip(Node):
    zh, en, prefix, title_field = "趟次", "Trip", "trp", "number"
    number: Annotated[Str, Field("趟次号", "trip number", lookup=INDEX)] = None
    started_at: Annotated[Str, Field("驶出时间", "left the site at", lookup=INDEX)] = None
    ended_at: Annotated[Str, Field("到达时间", "arrived at")] = None
    distance: Annotated[Float, Field("里程(公里)", "distance, km")] = None
    off_route: Annotated[Bool, Field("是否偏航", "left its route")] = None
    covered: Annotated[Bool, Field("是否密闭", "load was covered")] = None


class Finding(Placed):
    zh, en, prefix, title_field = "预警", "Finding", "fin", "sentence"
    placed: ClassVar[str] = "ABOUT"
    trace: Annotated[Str, Field("模型", "trace", lookup=INDEX)] = None
    trace_version: Annotated[Int, Field("模型版本", "version of the trace")] = None
    sentence: Annotated[Str, Field("说明", "sentence in Chinese")] = None
    sentence_en: Annotated[Str, Field("英文说明", "sentence in English")] = None
    severity: Annotated[Str, Field("等级", "severity", terms="severity")] = None
    why_zh: Annotated[Str, Field("等级理由", "reason of the severity, in Chinese")] = None
    why_en: Annotated[Str, Field("等级英文理由", "reason of the severity, in English")] = None
    state: Annotated[Str, Field("状态", "state", lookup=INDEX, terms="finding_state")] = None
    first: Annotated[Str, Field("最早日期", "day of the earliest of what shows it")] = None
    last: Annotated[Str, Field("最近日期", "day of the latest of what shows it")] = None
    count: Annotated[Int, Field("计数", "how many count")] = None
    found_at: Annotated[Str, Field("发现时间", "found at", lookup=INDEX)] = None
    changed_at: Annotated[Str, Field("变更时间", "changed at")] = None
    closed_at: Annotated[Str, Field("消除时间", "closed at")] = None
    revision: Annotated[Int, Field("修订号", "revision, raised by every change")] = None
    return_of: Annotated[Str, Field("复发自", "the finding of which this is the return", INTERNAL)] = None
    merged_into: Annotated[Str, Field("并入", "the finding that it has become part of", INTERNAL)] = None
    verdict: Annotated[Str, Field("判定", "what a person said last", terms="finding_state")] = None
    reason: Annotated[Str, Field("判定理由", "why", INTERNAL)] = None
    judge: Annotated[Str, Field("判定人", "who judged it", INTERNAL)] = None
    judged_at: Annotated[Str, Field("判定时间", "judged at")] = None


class Judgement(Node):
    zh, en, prefix, title_field = "判定", "Judgement", "jud", "verdict"
    verdict: Annotated[Str, Field("结论", "verdict")] = None
    reason: Annotated[Str, Field("理由", "reason")] = None
    judged_at: Annotated[Str, Field("判定时间", "judged at")] = None


ENTITIES: tuple[type[Entity], ...] = (
    Address, Succession, Person, Household, House, Enterprise, Vehicle, Phone, Incident, Matter, Volunteer, Team,
    Organisation, Post, ChatGroup, Device, Permit, Project, Trip, Finding, Judgement,
)  # fmt: skip
