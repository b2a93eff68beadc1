"""Leaf fields of the entities. Generated from the ontology by `python -m schema.generate`; not to be edited."""

from __future__ import annotations

import strawberry

from schema.scalars import AddressCode, Date, DateTime, Term
from schema.terms import Info, term


@strawberry.type
class AddressLeaves:
    code: AddressCode = strawberry.field(description="地址编码 · address code")
    name: str | None = strawberry.field(description="名称 · name")
    full_name: str | None = strawberry.field(description="全称 · full name")
    aliases: list[str] | None = strawberry.field(description="别名 · aliases")
    former_codes: list[str] | None = strawberry.field(description="曾用编码 · former codes")
    other_codes: list[str] | None = strawberry.field(
        description="其他机构编码 · codes of other authorities, authority:code"
    )
    door_number: str | None = strawberry.field(description="门牌号 · door number")
    storeys: int | None = strawberry.field(description="层数 · storeys")

    @strawberry.field(description="防区类别 · kind of zone")
    def zone_kind(self, info: Info) -> Term | None:
        return term(self, info, "zone_kind", "zone_kind")

    since: Date | None = strawberry.field(description="启用日期 · in use since")
    until: Date | None = strawberry.field(description="停用日期 · in use until")


@strawberry.type
class SuccessionLeaves:
    number: str | None = strawberry.field(description="变更编号 · number of the change")

    @strawberry.field(description="变更类型 · kind of change")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "succession_kind")

    effective: str | None = strawberry.field(description="生效日期 · day it took effect")
    old_code: str | None = strawberry.field(description="原地址编码 · code before")
    new_code: str | None = strawberry.field(description="现地址编码 · code after")
    old_name: str | None = strawberry.field(description="原名称 · name before")
    new_name: str | None = strawberry.field(description="现名称 · name after")


@strawberry.type
class PersonLeaves:
    name: str | None = strawberry.field(description="姓名 · name")
    id_number: str | None = strawberry.field(description="证件号(脱敏) · identity number, masked form only")
    mobile: str | None = strawberry.field(description="手机号 · mobile number")
    birth: Date | None = strawberry.field(description="出生日期 · date of birth")

    @strawberry.field(description="性别 · sex")
    def sex(self, info: Info) -> Term | None:
        return term(self, info, "sex", "sex")

    @strawberry.field(description="居住类型 · residence")
    def residence(self, info: Info) -> Term | None:
        return term(self, info, "residence", "residence")

    died: Date | None = strawberry.field(description="死亡日期 · date of death")


@strawberry.type
class HouseholdLeaves:
    number: str | None = strawberry.field(description="户号 · household number")


@strawberry.type
class HouseLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    hid: str | None = strawberry.field(description="房屋编号 · house number")
    estate_unit_no: str | None = strawberry.field(description="不动产单元号 · real-estate unit number")

    @strawberry.field(description="用途 · use")
    def use(self, info: Info) -> Term | None:
        return term(self, info, "use", "house_use")

    rented: bool | None = strawberry.field(description="是否出租 · rented")
    area: float | None = strawberry.field(description="建筑面积(平方米) · floor area, m²")


@strawberry.type
class EnterpriseLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    uscc: str | None = strawberry.field(description="统一社会信用代码 · unified social credit code")
    registration_no: str | None = strawberry.field(description="注册号 · former registration number")
    name: str | None = strawberry.field(description="名称 · name")

    @strawberry.field(description="主体类型 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "enterprise_kind")

    @strawberry.field(description="行业 · industry")
    def industry(self, info: Info) -> Term | None:
        return term(self, info, "industry", "industry")

    @strawberry.field(description="登记状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "enterprise_state")

    founded: Date | None = strawberry.field(description="成立日期 · founded")
    closed: Date | None = strawberry.field(description="注销日期 · closed")
    staff: int | None = strawberry.field(description="从业人数 · staff")
    capital: float | None = strawberry.field(description="注册资本(万元) · registered capital, 10,000 yuan")
    phone: str | None = strawberry.field(description="联系电话 · contact number")
    pupils: int | None = strawberry.field(description="在校学生数 · pupils, of a school")
    beds: int | None = strawberry.field(description="床位数 · beds, of a medical institution")


@strawberry.type
class VehicleLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    plate: str | None = strawberry.field(description="号牌号码 · plate")

    @strawberry.field(description="号牌种类 · kind of plate")
    def plate_kind(self, info: Info) -> Term | None:
        return term(self, info, "plate_kind", "plate_kind")

    vin: str | None = strawberry.field(description="车辆识别代号 · VIN")

    @strawberry.field(description="车辆类型 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "vehicle_kind")

    brand: str | None = strawberry.field(description="品牌 · make")

    @strawberry.field(description="能源 · energy")
    def energy(self, info: Info) -> Term | None:
        return term(self, info, "energy", "energy")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "vehicle_state")


@strawberry.type
class PhoneLeaves:
    number: str | None = strawberry.field(description="号码 · number")


@strawberry.type
class IncidentLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "matter_state")

    number: str | None = strawberry.field(description="来源单号 · number at its source")

    @strawberry.field(description="类别 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "incident_kind")

    @strawberry.field(description="细类 · category")
    def category(self, info: Info) -> Term | None:
        return term(self, info, "category", "incident_kind")

    summary: str | None = strawberry.field(description="简要情况 · summary")
    occurred_at: DateTime | None = strawberry.field(description="发生时间 · occurred at")

    @strawberry.field(description="等级 · severity")
    def severity(self, info: Info) -> Term | None:
        return term(self, info, "severity", "severity")

    deadline: DateTime | None = strawberry.field(description="期限 · deadline")
    rectified_at: DateTime | None = strawberry.field(description="整改完成时间 · rectified at")
    closed_at: DateTime | None = strawberry.field(description="办结时间 · closed at")


@strawberry.type
class MatterLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "matter_state")

    number: str | None = strawberry.field(description="事项编号 · matter number")

    @strawberry.field(description="类别 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "matter_kind")

    opened_at: DateTime | None = strawberry.field(description="受理时间 · opened at")
    closed_at: DateTime | None = strawberry.field(description="办结时间 · closed at")
    deadline: DateTime | None = strawberry.field(description="期限 · deadline")

    @strawberry.field(description="等级 · severity")
    def severity(self, info: Info) -> Term | None:
        return term(self, info, "severity", "severity")

    conclusion: str | None = strawberry.field(description="结论 · conclusion")
    open: bool | None = strawberry.field(description="是否在办 · still open")


@strawberry.type
class VolunteerLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    vid: str | None = strawberry.field(description="红领编号 · volunteer number")
    name: str | None = strawberry.field(description="姓名 · name")
    mobile: str | None = strawberry.field(description="手机号 · mobile number")

    @strawberry.field(description="角色 · role")
    def role(self, info: Info) -> Term | None:
        return term(self, info, "role", "volunteer_role")

    captain: bool | None = strawberry.field(description="是否楼长 · building captain")
    joined: Date | None = strawberry.field(description="入队日期 · joined")
    left: Date | None = strawberry.field(description="退队日期 · left")


@strawberry.type
class TeamLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    tid: str | None = strawberry.field(description="队伍编号 · team number")
    name: str | None = strawberry.field(description="名称 · name")

    @strawberry.field(description="层级 · level")
    def level(self, info: Info) -> Term | None:
        return term(self, info, "level", "team_level")


@strawberry.type
class OrganisationLeaves:
    code: str | None = strawberry.field(description="单位代码 · organisation code")
    name: str | None = strawberry.field(description="名称 · name")

    @strawberry.field(description="类别 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "organisation_kind")


@strawberry.type
class PostLeaves:
    code: AddressCode | None = strawberry.field(description="岗位代码 · post code")
    name: str | None = strawberry.field(description="名称 · name")


@strawberry.type
class ChatGroupLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    gid: str | None = strawberry.field(description="群编号 · group number")
    name: str | None = strawberry.field(description="名称 · name")
    members: int | None = strawberry.field(description="人数 · members")


@strawberry.type
class DeviceLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    did: str | None = strawberry.field(description="设备编号 · device number")

    @strawberry.field(description="设备类型 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "device_kind")

    name: str | None = strawberry.field(description="名称 · name")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "device_state")

    @strawberry.field(description="使用状态 · whether it is in use")
    def use(self, info: Info) -> Term | None:
        return term(self, info, "use", "device_use")

    installed: Date | None = strawberry.field(description="安装日期 · installed")
    serial: str | None = strawberry.field(description="注册代码 · registration code of its supervisor")
    maker: str | None = strawberry.field(description="制造单位 · maker")
    due: Date | None = strawberry.field(description="下次检验日期 · day by which it must be inspected next")


@strawberry.type
class PermitLeaves:
    number: str | None = strawberry.field(description="许可编号 · permit number")

    @strawberry.field(description="类别 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "permit_kind")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "permit_state")

    since: Date | None = strawberry.field(description="有效期起 · valid from")
    expires: Date | None = strawberry.field(description="有效期至 · valid until")
    scope: str | None = strawberry.field(
        description="许可范围 · what it allows: route and hours, trade, line"
    )
    amount: float | None = strawberry.field(description="金额(万元) · amount it covers, 10,000 yuan")


@strawberry.type
class ProjectLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    number: str | None = strawberry.field(description="项目编号 · project number")
    name: str | None = strawberry.field(description="名称 · name")

    @strawberry.field(description="类别 · kind")
    def kind(self, info: Info) -> Term | None:
        return term(self, info, "kind", "project_kind")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "project_state")

    since: Date | None = strawberry.field(description="开始日期 · begun")
    until: Date | None = strawberry.field(description="结束日期 · ended, or planned to end")
    area: float | None = strawberry.field(description="面积(平方米) · area, m²")
    volume: float | None = strawberry.field(
        description="土方量(万立方米) · earth to move or room for it, 10,000 m³"
    )


@strawberry.type
class TripLeaves:
    number: str | None = strawberry.field(description="趟次号 · trip number")
    started_at: DateTime | None = strawberry.field(description="驶出时间 · left the site at")
    ended_at: DateTime | None = strawberry.field(description="到达时间 · arrived at")
    distance: float | None = strawberry.field(description="里程(公里) · distance, km")
    off_route: bool | None = strawberry.field(description="是否偏航 · left its route")
    covered: bool | None = strawberry.field(description="是否密闭 · load was covered")


@strawberry.type
class FindingLeaves:
    place_text: str | None = strawberry.field(description="来源地址文本 · address as written")
    place_level: str | None = strawberry.field(description="落址层级 · level placed at")
    place_confidence: float | None = strawberry.field(description="落址可信度 · placement confidence")
    trace: str | None = strawberry.field(description="模型 · trace")
    trace_version: int | None = strawberry.field(description="模型版本 · version of the trace")
    sentence: str | None = strawberry.field(description="说明 · sentence in Chinese")
    sentence_en: str | None = strawberry.field(description="英文说明 · sentence in English")

    @strawberry.field(description="等级 · severity")
    def severity(self, info: Info) -> Term | None:
        return term(self, info, "severity", "severity")

    why_zh: str | None = strawberry.field(description="等级理由 · reason of the severity, in Chinese")
    why_en: str | None = strawberry.field(description="等级英文理由 · reason of the severity, in English")

    @strawberry.field(description="状态 · state")
    def state(self, info: Info) -> Term | None:
        return term(self, info, "state", "finding_state")

    first: str | None = strawberry.field(description="最早日期 · day of the earliest of what shows it")
    last: str | None = strawberry.field(description="最近日期 · day of the latest of what shows it")
    count: int | None = strawberry.field(description="计数 · how many count")
    found_at: DateTime | None = strawberry.field(description="发现时间 · found at")
    changed_at: DateTime | None = strawberry.field(description="变更时间 · changed at")
    closed_at: DateTime | None = strawberry.field(description="消除时间 · closed at")
    revision: int | None = strawberry.field(description="修订号 · revision, raised by every change")
    return_of: str | None = strawberry.field(description="复发自 · the finding of which this is the return")
    merged_into: str | None = strawberry.field(description="并入 · the finding that it has become part of")

    @strawberry.field(description="判定 · what a person said last")
    def verdict(self, info: Info) -> Term | None:
        return term(self, info, "verdict", "finding_state")

    reason: str | None = strawberry.field(description="判定理由 · why")
    judge: str | None = strawberry.field(description="判定人 · who judged it")
    judged_at: DateTime | None = strawberry.field(description="判定时间 · judged at")


@strawberry.type
class JudgementLeaves:
    verdict: str | None = strawberry.field(description="结论 · verdict")
    reason: str | None = strawberry.field(description="理由 · reason")
    judged_at: DateTime | None = strawberry.field(description="判定时间 · judged at")
