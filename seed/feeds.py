"""The department feeds: their files, columns and what noise may touch in them; writing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from seed.options import bad
from seed.workbook import write_workbook

NATURE: Final = "数据性质"
SYNTHETIC: Final = "合成数据"
XLSX_LIMIT: Final = 1_000_000
"""A sheet holds 1,048,576 rows; from here on the file is CSV."""

FORMS: Final = {"csv": "csv", "gb18030": "csv", "tsv": "tsv", "jsonl": "jsonl", "parquet": "parquet"}
"""Form of a file → its ending. `gb18030` is a CSV in that encoding."""

_MOMENT: Final = r"^(\d{4})-0?(\d+)-0?(\d+)(?: 0?(\d+):(\d\d):\d\d)?$"
DATE_FORMS: Final = {
    "iso": "2025-01-05",
    "slash": "2025/1/5",
    "dot": "2025.01.05",
    "chinese": "2025年1月5日",
    "compact": "20250105",
}
"""How departments write the fifth of January."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed file's shape.

    Attributes:
        key: the name in `only` and in the catalogue.
        department, title: of the file's name.
        columns: in order, without 数据性质.
        key_column: the record key.
        addresses: pairs (text column, code column). A code column that begins with `_` is only the answer
            key's: the department knows no code.
        dates, enums, phones, identities: columns by what they hold.
        needed: columns that make a row bad when they are empty.
        xlsx: whether the department sends a workbook.
        form: how it writes its file otherwise, a key of `FORMS`.
        date_form: how it writes dates and times, a key of `DATE_FORMS`.
    """

    key: str
    department: str
    title: str
    columns: tuple[str, ...]
    key_column: str
    addresses: tuple[tuple[str, str], ...] = ()
    dates: tuple[str, ...] = ()
    enums: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    xlsx: bool = False
    form: str = "csv"
    date_form: str = "iso"

    @property
    def name(self) -> str:
        """`公安_警情`."""
        return f"{self.department}_{self.title}"

    def file(self, until: date, *, xlsx: bool = False) -> str:
        """The file's name on a day."""
        return f"{self.name}_{until:%Y%m%d}.{'xlsx' if xlsx else FORMS[self.form]}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("\n", "").split(","))


FEEDS: Final = (
    Feed(
        "addresses", "资规", "标准地址",
        _words("地址编码,上级编码,层级,名称,全称,别名,门牌号,网格编码,道路编码,小区编码,小组编码,园区编码,经度,纬度,启用日期,停用日期,更新时间"),
        "地址编码", dates=("启用日期",), enums=("层级",),
    ),
    Feed(
        "residents", "公安", "实有人口",
        _words("人口编号,姓名,公民身份号码,性别,出生日期,户籍类型,手机号,现住地址,地址编码,入住日期,离开日期,户号,与户主关系,户主证件号,工作单位代码,死亡日期,更新时间"),
        "人口编号", (("现住地址", "地址编码"),), ("出生日期", "入住日期", "离开日期", "死亡日期"), ("性别", "户籍类型", "与户主关系"),
        ("手机号",), ("公民身份号码",), ("人口编号",),
    ),
    Feed(
        "tenancies", "公安", "租赁登记",
        _words("登记编号,房屋编号,房屋地址,地址编码,房东姓名,房东证件号,房东电话,承租人姓名,承租人证件号,承租人电话,起租日期,退租日期,更新时间"),
        "登记编号", (("房屋地址", "地址编码"),), ("起租日期", "退租日期"), (), ("房东电话", "承租人电话"), ("房东证件号", "承租人证件号"),
        ("登记编号",),
    ),
    Feed(
        "houses", "住建", "房屋",
        _words("房屋编号,不动产单元号,房屋地址,地址编码,用途,是否出租,建筑面积,产权人姓名,产权人证件号,共有人姓名,共有人证件号,产权取得日期,更新时间"),
        "房屋编号", (("房屋地址", "地址编码"),), ("产权取得日期",), ("用途", "是否出租"), (), ("产权人证件号", "共有人证件号"), ("房屋编号",),
    ),
    Feed(
        "enterprises", "市监", "市场主体",
        _words("统一社会信用代码,注册号,名称,主体类型,行业,登记状态,法定代表人,法定代表人证件号,联系电话,从业人数,注册资本,成立日期,注销日期,经营地址,地址编码,更新时间"),
        "统一社会信用代码", (("经营地址", "地址编码"),), ("成立日期", "注销日期"), ("主体类型", "行业", "登记状态"), ("联系电话",), ("法定代表人证件号",),
        ("统一社会信用代码",),
    ),
    Feed(
        "vehicles", "公安", "机动车",
        _words("号牌号码,号牌种类,车辆识别代号,车辆类型,品牌,能源,所有人类型,所有人姓名,所有人证件号,登记地址,地址编码,准运证号,准运证有效期,状态,登记日期,更新时间"),
        "号牌号码", (("登记地址", "地址编码"),), ("登记日期", "准运证有效期"), ("号牌种类", "车辆类型", "能源", "状态"), (), ("所有人证件号",),
        ("号牌号码",),
    ),
    Feed(
        "alarms", "公安", "警情",
        _words("接警单号,报警时间,警情类别,警情细类,报警人姓名,报警人电话,报警人证件号,当事人姓名,当事人证件号,对方姓名,对方证件号,事发地址,地址编码,简要警情,涉事车辆号牌,派警时间,到场时间,办结时间,处置状态,处警单位代码,处警单位,更新时间"),
        "接警单号", (("事发地址", "地址编码"),), ("报警时间", "派警时间", "到场时间", "办结时间"), ("警情类别", "处置状态"),
        ("报警人电话",), ("报警人证件号", "当事人证件号", "对方证件号"), ("接警单号", "报警时间"),
    ),
    Feed(
        "mediations", "司法", "矛盾纠纷调解",
        _words("调解编号,受理时间,纠纷类型,申请人姓名,申请人证件号,申请人电话,被申请人姓名,被申请人证件号,被申请人电话,纠纷地址,地址编码,简要情况,关联接警单号,调解员,调解组织代码,调解组织,办结时间,调解状态,更新时间"),
        "调解编号", (("纠纷地址", "地址编码"),), ("受理时间", "办结时间"), ("纠纷类型", "调解状态"), ("申请人电话", "被申请人电话"),
        ("申请人证件号", "被申请人证件号"), ("调解编号", "受理时间"),
    ),
    Feed(
        "hazards", "消防", "检查隐患",
        _words("记录编号,检查编号,检查时间,检查结果,单位名称,统一社会信用代码,检查地址,地址编码,隐患编号,隐患类别,隐患等级,隐患描述,发现时间,整改期限,整改完成时间,复查时间,隐患状态,检查人,检查单位代码,检查单位,更新时间"),
        "记录编号", (("检查地址", "地址编码"),), ("检查时间", "发现时间", "整改期限", "整改完成时间", "复查时间"), ("隐患类别", "隐患状态"),
        (), ("统一社会信用代码",), ("记录编号", "检查时间"),
    ),
    Feed(
        "volunteers", "组织部", "萧山红领",
        _words("红领编号,姓名,手机号,证件号,队伍编号,队伍名称,队伍层级,队伍服务地址编码,角色,是否楼长,服务地址,地址编码,入队日期,退队日期,更新时间"),
        "红领编号", (("服务地址", "地址编码"),), ("入队日期", "退队日期"), ("队伍层级", "角色"), ("手机号",), ("证件号",), ("红领编号",), True,
    ),
    Feed(
        "chat_groups", "组织部", "群组台账", _words("群编号,群名称,平台,人数,服务地址,地址编码,更新时间"),
        "群编号", (("服务地址", "地址编码"),), (), (), (), (), ("群编号",),
    ),
    Feed(
        "devices", "数据局", "感知设备", _words("设备编号,设备类型,名称,安装地址,地址编码,状态,安装日期,更新时间"),
        "设备编号", (("安装地址", "地址编码"),), ("安装日期",), ("设备类型", "状态"), (), (), ("设备编号",),
    ),
    Feed(
        "hotline", "12345", "热线工单",
        _words("工单编号,来电时间,来电人,来电号码,来电人证件号,诉求类型,诉求分类,诉求内容,诉求地址,所属镇街,被反映对象,承办单位代码,承办单位,派单时间,办结时间,工单状态,满意度"),
        "工单编号", (("诉求地址", "_place"),), ("来电时间", "派单时间", "办结时间"), ("诉求分类", "工单状态"), ("来电号码",),
        ("来电人证件号",), ("工单编号", "来电时间"), date_form="slash",
    ),
    Feed(
        "cases", "城管", "案件",
        _words("案件号,上报时间,来源渠道,转办单号,大类,小类,案件描述,发生地点,地点编码,经度,纬度,所属网格,当事人,当事人证照号,当事人手机,处置中队编码,处置中队,派遣时间,结案时间,案件阶段,最后修改"),
        "案件号", (("发生地点", "地点编码"),), ("上报时间", "派遣时间", "结案时间"), ("小类", "案件阶段"), ("当事人手机",),
        ("当事人证照号",), ("案件号", "上报时间"), form="jsonl",
    ),
    Feed(
        "safety_inspections", "应急", "安全生产检查",
        _words("记录号,检查文书号,检查日期,检查类别,受检单位,信用代码,单位地址,地址代码,检查人员,检查结论,隐患序号,隐患编码,隐患分类,隐患级别,隐患内容,整改期限,整改完成日期,整改情况,检查机构代码,检查机构,录入时间"),
        "记录号", (("单位地址", "地址代码"),), ("检查日期", "整改期限", "整改完成日期"), ("隐患分类", "整改情况"), (), ("信用代码",),
        ("记录号", "检查日期"), True,
    ),
    Feed(
        "lane_events", "消防", "通道占用",
        _words("事件编号,设备编号,设备名称,抓拍号牌,占用开始,占用结束,占用秒数,处置方式,点位地址,地址编码,告警状态"),
        "事件编号", (("点位地址", "地址编码"),), ("占用开始", "占用结束"), ("告警状态",), (), (), ("事件编号", "占用开始"),
    ),
    Feed(
        "hall_visits", "矛调中心", "窗口登记",
        _words("登记流水号,来访时间,来访人,来访人身份证,联系方式,来访人数,事项分类,来访事项,对方当事人,对方电话,事发地点,难易分级,分流去向,关联编号,窗口号,接待员,办结时间,办理情况"),
        "登记流水号", (("事发地点", "_place"),), ("来访时间", "办结时间"), ("事项分类", "难易分级", "办理情况"), ("联系方式", "对方电话"),
        ("来访人身份证",), ("登记流水号", "来访时间"), True,
    ),
    Feed(
        "labour_disputes", "人社", "劳动争议",
        _words("仲裁案号,申请日期,劳动者,劳动者身份证号,劳动者手机,用人单位,用人单位信用代码,单位电话,争议类型,仲裁请求,请求金额,用工地点,前置调解编号,受理庭代码,受理庭,立案日期,结案日期,处理结果"),
        "仲裁案号", (("用工地点", "_place"),), ("申请日期", "立案日期", "结案日期"), ("争议类型", "处理结果"), ("劳动者手机", "单位电话"),
        ("劳动者身份证号", "用人单位信用代码"), ("仲裁案号", "申请日期"), True,
    ),
    Feed(
        "complaints", "市监", "消费投诉",
        _words("登记编号,登记时间,消费者,消费者电话,消费者证件号,被投诉主体,主体代码,经营场所,地址编码,问题类别,投诉内容,涉及金额,来源工单,受理所代码,受理所,办结时间,处理结果"),
        "登记编号", (("经营场所", "地址编码"),), ("登记时间", "办结时间"), ("问题类别", "处理结果"), ("消费者电话",), ("消费者证件号", "主体代码"),
        ("登记编号", "登记时间"),
    ),
    Feed(
        "petitions", "信访", "信访件",
        _words("信访件编号,登记日期,信访形式,信访人,证件号码,联系电话,信访人数,问题属地,内容分类,信访内容,被反映人,初重件,责任单位代码,责任单位,办理期限,答复日期,办理状态"),
        "信访件编号", (("信访内容", "_place"),), ("登记日期", "办理期限", "答复日期"), ("内容分类", "办理状态"), ("联系电话",), ("证件号码",),
        ("信访件编号", "登记日期"), date_form="dot",
    ),
    Feed(
        "suits", "法院", "民事案件",
        _words("案号,立案日期,案由,原告,原告证件号码,原告电话,被告,被告证件号码,被告电话,标的额,纠纷发生地,诉讼请求,诉前调解编号,承办法庭代码,承办法庭,承办法官,结案日期,审理状态"),
        "案号", (("纠纷发生地", "_place"),), ("立案日期", "结案日期"), ("案由", "审理状态"), ("原告电话", "被告电话"),
        ("原告证件号码", "被告证件号码"), ("案号", "立案日期"), form="gb18030", date_form="chinese",
    ),
    Feed(
        "grid_reports", "网格", "上报事件",
        _words("事件编号,上报时间,网格编码,微网格编码,lng,lat,事件地点,事件类型,事件描述,涉及人员,涉及人员手机,对方,上报人,上报人电话,流转去向,来源单号,办结时间,事件状态"),
        "事件编号", (("事件地点", "_place"),), ("上报时间", "办结时间"), ("事件类型", "事件状态"), ("涉及人员手机",), (),
        ("事件编号", "上报时间"), form="jsonl",
    ),
    Feed(
        "visits", "网格", "入户走访",
        _words("走访编号,走访日期,网格编码,走访类型,走访对象,对象电话,对象证件号,与房屋关系,走访地址,地址编码,走访结果,发现问题,网格员,网格员电话,录入时间"),
        "走访编号", (("走访地址", "地址编码"),), ("走访日期",), ("走访类型",), ("对象电话",), ("对象证件号",), ("走访编号", "走访日期"),
        form="gb18030",
    ),
    Feed(
        "patrol_points", "巡防", "点位",
        _words("点位编号,点位名称,防区,巡区,点位类型,是否必到,点位地址,地址编码,经度,纬度,启用日期"),
        "点位编号", (("点位地址", "地址编码"),), ("启用日期",), ("点位类型", "是否必到"), (), (), ("点位编号",),
    ),
    Feed(
        "checkins", "巡防", "打卡",
        _words("打卡流水,点位编号,点位名称,打卡时间,队员姓名,队员编号,队员手机,队伍编号,队伍名称,打卡方式,巡防类型,点位地址,地址编码,异常情况"),
        "打卡流水", (("点位地址", "地址编码"),), ("打卡时间",), ("巡防类型",), ("队员手机",), (), ("打卡流水", "打卡时间"), form="tsv",
    ),
    Feed(
        "self_registrations", "流口", "自主申报",
        _words("申报流水号,申报时间,姓名,性别,出生年月日,本人手机,证件号,来源地,现居住地,房东,房东手机,入住日期,来萧事由,工作单位,同住人数,核查状态,核查时间"),
        "申报流水号", (("现居住地", "_place"),), ("申报时间", "出生年月日", "入住日期", "核查时间"), ("性别", "核查状态"),
        ("本人手机", "房东手机"), ("证件号",), ("申报流水号",), date_form="compact",
    ),
    Feed(
        "gas_cylinders", "市监", "燃气瓶",
        _words("气瓶编码,规格型号,制造单位,制造年月,上次检验日,下次检验日,气瓶状态,充装单位,用户类别,用户名称,用户证照号,用户电话,用气地址,标准地址码,最近配送日,更新时间"),
        "气瓶编码", (("用气地址", "标准地址码"),), ("下次检验日", "上次检验日", "制造年月", "最近配送日"), ("气瓶状态",), ("用户电话",),
        ("用户证照号",), ("气瓶编码",),
    ),
    Feed(
        "construction_sites", "住建", "在建工地",
        _words("施工许可证号,项目代码,工程名称,建设单位,建设单位信用代码,施工单位,施工单位信用代码,项目经理,项目经理身份证,项目经理电话,工程地点,地点标准码,建筑面积(㎡),计划出土量(万m³),开工日期,计划竣工,工程状态,填报时间"),
        "施工许可证号", (("工程地点", "地点标准码"),), ("开工日期", "计划竣工", "填报时间"), ("工程状态",), ("项目经理电话",),
        ("项目经理身份证", "施工单位信用代码", "建设单位信用代码"), ("施工许可证号",), xlsx=True,
    ),
    Feed(
        "dump_sites", "城管", "消纳场",
        _words("消纳场编号,消纳场名称,消纳类型,核准文号,运营单位,运营单位代码,所在位置,位置编码,核准容量,剩余容量,核准起,核准止,现状"),
        "消纳场编号", (("所在位置", "位置编码"),), ("核准起", "核准止"), ("消纳类型", "现状"), (),
        ("运营单位代码",), ("消纳场编号",), date_form="chinese",
    ),
    Feed(
        "truck_permits", "城管", "渣土车准运证",
        _words("准运证编号,车号,运输企业,企业代码,工地许可证号,工地,消纳场编号,消纳场,核定路线,核定时段,有效期起,有效期止,证件状态"),
        "准运证编号", (), ("有效期起", "有效期止"), ("证件状态",), (),
        ("企业代码",), ("准运证编号", "车号"), date_form="dot",
    ),
    Feed(
        "trips", "城管", "运输趟次",
        _words("趟次编号,车牌,车牌颜色,工地编号,工地名称,卸点类型,卸点编号,卸点名称,疑似卸点位置,疑似卸点编码,驶出工地,到达卸点,里程,偏航标志,密闭标志,数据来源"),
        "趟次编号", (("疑似卸点位置", "疑似卸点编码"),), ("驶出工地", "到达卸点"), (), (),
        (), ("趟次编号", "驶出工地"), form="parquet",
    ),
    Feed(
        "commercial_vehicles", "交通", "营运车辆",
        _words("道路运输证号,车牌号,车牌颜色,业户名称,业户信用代码,经营范围,线路,核定载客,核定载质量(吨),发证日期,有效期至,年审有效期,营运状态"),
        "道路运输证号", (), ("有效期至", "发证日期", "年审有效期"), ("营运状态",), (),
        ("业户信用代码",), ("道路运输证号",), form="tsv", date_form="slash",
    ),
    Feed(
        "elevators", "市监", "电梯",
        _words("设备注册代码,设备品种,使用单位,使用单位代码,使用地点,地点编码,内部编号,制造厂家,投用日期,维保单位,上次定检,下次定检,使用状态,物联设备编号"),
        "设备注册代码", (("使用地点", "地点编码"),), ("下次定检", "上次定检", "投用日期"), ("使用状态",), (),
        ("使用单位代码",), ("设备注册代码",), date_form="slash",
    ),
    Feed(
        "elevator_events", "数据局", "电梯事件",
        _words("event_id,device_id,事件类型,置信度,触发时间,恢复时间,处置结果,事件状态,位置,位置编码"),
        "event_id", (("位置", "位置编码"),), ("触发时间", "恢复时间"), ("事件类型", "事件状态"), (),
        (), ("event_id", "触发时间"), form="jsonl",
    ),
    Feed(
        "culvert_events", "应急", "涵隧水位",
        _words("预警编号,测站编码,测站名称,接入设备号,站址,站址编码,预警等级,最大积水(cm),小时雨量(mm),预警时间,解除时间,处置措施,状态"),
        "预警编号", (("站址", "站址编码"),), ("预警时间", "解除时间"), ("预警等级", "状态"), (),
        (), ("预警编号", "预警时间"),
    ),
    Feed(
        "sensing_points", "公安", "场馆感知点",
        _words("点位编号,场馆,点位名称,感知类型,承建厂商,平台设备号,安装位置,位置标准码,建设进度,接入日期"),
        "点位编号", (("安装位置", "位置标准码"),), ("接入日期",), ("建设进度",), (),
        (), ("点位编号",),
    ),
    Feed(
        "prepaid_cards", "市监", "预付卡备案",
        _words("备案编号,发卡企业,信用代码,行业门类,门店地址,门店地址码,备案日,备案有效期,预收资金余额,存管银行,持卡人数,备案状态,报送时间"),
        "备案编号", (("门店地址", "门店地址码"),), ("备案日", "备案有效期", "报送时间"), ("备案状态",), (),
        ("信用代码",), ("备案编号",), date_form="chinese",
    ),
    Feed(
        "guarantees", "金融", "银行担保",
        _words("担保合同号,债权银行,债务企业,债务企业代码,保证企业,保证企业代码,保证方式,担保金额,起保日,到期日,五级分类,合同状态"),
        "担保合同号", (), ("起保日", "到期日"), (), (),
        ("债务企业代码", "保证企业代码"), ("担保合同号",), date_form="compact",
    ),
    Feed(
        "medical_institutions", "卫健", "医疗机构",
        _words("登记号,机构名称,社会信用代码,机构类别,医院等级,经营性质,诊疗科目,床位数,执业地址,地址标准码,法定代表人,法定代表人证件,联系方式,发证日期,有效期截止"),
        "登记号", (("执业地址", "地址标准码"),), ("发证日期", "有效期截止"), (), ("联系方式",),
        ("法定代表人证件", "社会信用代码"), ("登记号",), date_form="dot",
    ),
    Feed(
        "schools", "教育", "学校",
        _words("学校标识码,学校名称,统一信用代码,办学类型,举办性质,校址,校址编码,在校生数,教职工数,校（园）长,校长证件号,校长手机,建校年月,统计学年"),
        "学校标识码", (("校址", "校址编码"),), ("建校年月",), (), ("校长手机",),
        ("校长证件号", "统一信用代码"), ("学校标识码",), xlsx=True,
    ),
    Feed(
        "risk_assessments", "政法委", "风险评估",
        _words("评估编号,决策事项,事项类别,责任单位,属地镇街,涉及区域,区域编码,涉及户数,回收问卷,反对率,合法性,合理性,可行性,可控性,风险等级,评估结论,受理日期,评审日期,办理状态,报备时间"),
        "评估编号", (("涉及区域", "区域编码"),), ("受理日期", "评审日期", "报备时间"), ("事项类别", "风险等级", "办理状态"), (),
        (), ("评估编号", "受理日期"), xlsx=True,
    ),
    Feed(
        "deaths", "民政", "死亡登记",
        _words("登记号,逝者姓名,逝者公民身份号码,性别,死亡日期,死亡地点,生前住址,住址编码,申报人,申报人证件号,申报人电话,火化日期,登记日期"),
        "登记号", (("生前住址", "住址编码"),), ("死亡日期", "火化日期", "登记日期"), (), ("申报人电话",),
        ("逝者公民身份号码", "申报人证件号"), ("登记号", "死亡日期"), form="gb18030", date_form="compact",
    ),
    Feed(
        "marriages", "民政", "婚姻登记",
        _words("登记字号,男方姓名,男方身份证件号,女方姓名,女方身份证件号,结婚登记日期,离婚登记日期,婚姻状况,登记机关,录入时间"),
        "登记字号", (), ("结婚登记日期", "离婚登记日期", "录入时间"), (), (),
        ("男方身份证件号", "女方身份证件号"), ("登记字号",),
    ),
    Feed(
        "successions", "民政", "区划变更",
        _words("记录编号,变更编号,变更类型,生效日期,层级,原地址编码,原名称,原全称,原上级编码,原地址启用日期,原地址停用日期,现地址编码,现名称,现全称,现上级编码,批准文号,更新时间"),
        "记录编号", dates=("生效日期", "原地址启用日期", "原地址停用日期"), form="gb18030", date_form="chinese",
    ),
    Feed(
        "place_names", "民政", "地名", _words("地名编号,地址编码,名称,全称,名称类别,启用日期,停用日期,更新时间"),
        "地名编号", dates=("启用日期", "停用日期"), date_form="dot",
    ),
    Feed(
        "police_communities", "公安", "社区",
        _words("社区编码,社区名称,派出所代码,派出所名称,村社编码,村社名称,合设,主辖,更新时间"), "社区编码",
    ),
    Feed(
        "patrol_areas", "巡防", "巡区",
        _words("巡区编码,巡区名称,防区编码,防区名称,村社编码,村社名称,启用日期,停用日期,区划编码,更新时间"), "巡区编码",
        dates=("启用日期", "停用日期"), date_form="slash",
    ),
    Feed(
        "food_safety_grids", "市监", "食安网格",
        _words("大网格编码,大网格名称,中网格编码,中网格名称,小网格编码,小网格名称,村社编码,启用日期,区划编码,更新时间"), "小网格编码",
        dates=("启用日期",), xlsx=True,
    ),
    Feed(
        "real_estate_units", "资规", "不动产单元", _words("不动产单元号,坐落,地址编码,层数,经度,纬度,更新时间"), "不动产单元号",
    ),
    Feed(
        "points_of_interest", "数据局", "兴趣点", _words("兴趣点编号,名称,别称,类别,地址,地址编码,经度,纬度,更新时间"),
        "兴趣点编号", (("地址", "_code"),), form="jsonl",
    ),
)  # fmt: skip
BY_KEY: Final = {feed.key: feed for feed in FEEDS}


def wanted(only: tuple[str, ...]) -> set[str]:
    """Keys of the feeds asked for; all of them for none.

    Raises:
        UsageError: for a name that is no feed.
    """
    found = set()
    for name in only:
        match = [feed.key for feed in FEEDS if name in (feed.key, feed.title, feed.name)]
        if not match:
            raise bad(
                f"没有名为 {name} 的数据。", f"There is no feed {name!r}.", f"One of {', '.join(BY_KEY)}."
            )
        found.update(match)
    return found or set(BY_KEY)


def shaped(feed: Feed, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the feed's columns, text, and the note that it is synthetic."""
    have = set(frame.columns)
    columns = [
        (pl.col(name).cast(pl.String) if name in have else pl.lit(None, dtype=pl.String)).alias(name)
        for name in feed.columns
    ]
    return frame.select(*columns).with_columns(pl.lit(SYNTHETIC).alias(NATURE))


def dated(feed: Feed, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its ISO dates and times as the department writes them; other texts stay."""
    if feed.date_form == "iso":
        return frame
    columns = []
    for name in feed.dates:
        text = pl.col(name)
        if feed.date_form == "slash":
            new = text.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)", "$1/$2/$3")
        elif feed.date_form == "dot":
            new = text.str.replace(r"^(\d{4})-(\d\d)-(\d\d)", "$1.$2.$3")
        elif feed.date_form == "compact":
            new = text.str.replace_all(r"[-: ]", "")
        else:
            new = text.str.replace(_MOMENT, "$1年$2月$3日 $4时$5分").str.strip_suffix(" 时分")
        iso = text.str.contains(r"^\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?$")
        columns.append(pl.when(iso).then(new).otherwise(text).alias(name))
    return frame.with_columns(columns)


def write_feed(feed: Feed, frame: pl.DataFrame, directory: Path, until: date) -> Path:
    """Write one feed's file; the frame must be `shaped`. A workbook when the department sends one and it
    fits.
    """
    xlsx = feed.xlsx and len(frame) < XLSX_LIMIT
    path = directory / feed.file(until, xlsx=xlsx)
    if not xlsx:
        if feed.form == "jsonl":
            frame.write_ndjson(path)
        elif feed.form == "parquet":
            frame.write_parquet(path)
        elif feed.form == "gb18030":
            path.write_bytes(frame.write_csv(null_value="").encode("gb18030"))
        else:
            frame.write_csv(path, null_value="", separator="\t" if feed.form == "tsv" else ",")
        return path
    write_workbook(path, frame, feed.title, SYNTHETIC, until)
    return path
