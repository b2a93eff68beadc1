"""Errors as the API tells them, and the list of all codes.

Every entry of `errors` has `extensions`: `code`, `messageZh`, `messageEn`, `requestId`, and, where known,
`argument` and `hint`. What is ours to know (a stack trace, a statement, a value) stays in the log.

`python -m schema.errors` writes `docs/errors.md`: the codes of the API from `ERROR_CODES`, those of the
command from the places in the source that raise them.
"""

from __future__ import annotations

import ast
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLError

from ontology.errors import QuanxiError

log = logging.getLogger("quanxi.errors")


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A code that an answer of the API may carry.

    Attributes:
        status: the HTTP status when there is no data beside it (for `application/graphql-response+json`).
        zh, en: what it says.
        remedy: what to do about it.
    """

    code: str
    status: int
    zh: str
    en: str
    remedy: str


ERROR_CODES: Final[Mapping[str, ErrorCode]] = {
    entry.code: entry
    for entry in (
        ErrorCode(
            "BAD_CODE",
            400,
            "地址编码不合规则。",
            "Not an address code of the district's scheme.",
            "Take a code from `address`, `search` or a former answer; 12 digits down to the community.",
        ),
        ErrorCode(
            "BAD_DATE",
            400,
            "日期或时段不合规则。",
            "Not a date, or a period that ends before it begins.",
            "Write dates as 2025-12-15; `to` is the first day after the period.",
        ),
        ErrorCode(
            "BAD_CURSOR",
            400,
            "分页游标无法识别，或属于另一查询。",
            "Not a cursor, or one of another list.",
            "Take `pageInfo.endCursor` of the same list with the same filters, or leave `after` out.",
        ),
        ErrorCode(
            "BAD_POLYGON",
            400,
            "多边形无效。",
            "Not a polygon that can be asked about.",
            "Give its corners in order, longitude and latitude in degrees; its sides may not cross, nor may it span a district.",
        ),
        ErrorCode(
            "NO_POINT",
            400,
            "该地址没有坐标。",
            "No position is known of the place.",
            "Ask about a building, or load coordinates.",
        ),
        ErrorCode(
            "PLATE_MALFORMED",
            400,
            "不是门牌二维码的内容。",
            "Not what a door plate says.",
            "Scan it again; it has a scheme, a version, a code and a check, separated by colons.",
        ),
        ErrorCode(
            "PLATE_ALTERED",
            400,
            "门牌二维码校验不符。",
            "The check of the plate does not hold.",
            "Scan it again; if it stays so, the plate is not a genuine one.",
        ),
        ErrorCode(
            "PLATE_OTHER_SCHEME",
            400,
            "该门牌属另一地址码规则。",
            "The plate is of another scheme, or of a later version of it.",
            "Ask the district that it belongs to.",
        ),
        ErrorCode(
            "BAD_IDENTIFIER",
            400,
            "证件号、信用代码、号牌或手机号不合规则。",
            "Not an identity number, credit code, plate or phone number.",
            "Compare with the document; the message says which part is wrong.",
        ),
        ErrorCode(
            "BAD_ARGUMENT",
            400,
            "请求或参数有误。",
            "The request, the query or an argument is wrong.",
            "The message says where; GraphiQL marks it while you type.",
        ),
        ErrorCode(
            "NOT_FOUND",
            404,
            "没有这一对象，或无权查看。",
            "There is no such thing, or not for you.",
            "Check the code or id. What one may not see looks the same as what does not exist.",
        ),
        ErrorCode(
            "UNAUTHENTICATED",
            401,
            "请先登录。",
            "Sign in first.",
            "Send the header that your proxy asks for.",
        ),
        ErrorCode(
            "FORBIDDEN",
            403,
            "无权进行这一操作。",
            "You may not do this.",
            "Ask the officer who grants rights.",
        ),
        ErrorCode(
            "PURPOSE_REQUIRED",
            403,
            "须说明用途。",
            "A purpose must be given.",
            "Send the header `X-Purpose`.",
        ),
        ErrorCode("CASE_REQUIRED", 403, "须说明案由。", "A case must be given.", "Send the header `X-Case`."),
        ErrorCode(
            "TOO_DEEP",
            400,
            "查询嵌套过深。",
            "The query is nested too deeply.",
            "Fetch ids first, then the rest with `node` or `nodes`.",
        ),
        ErrorCode(
            "TOO_COSTLY",
            400,
            "查询可能返回的对象过多。",
            "The answer could hold too many entities.",
            "Make `first` smaller, above all on the outer lists.",
        ),
        ErrorCode(
            "TOO_MANY",
            400,
            "查询过长，或字段、别名、编号、每页条数过多。",
            "Too long a query, or too many fields, aliases, keys or entries of a page.",
            "Split the query; pages hold at most 100.",
        ),
        ErrorCode(
            "TIMEOUT",
            504,
            "查询超时。",
            "It took longer than allowed.",
            "Ask about a smaller place, a shorter time or fewer things; `QUANXI_QUERY_TIMEOUT` is the limit.",
        ),
        ErrorCode("RATE_LIMITED", 429, "请求过于频繁。", "Too many requests.", "Wait as `Retry-After` says."),
        ErrorCode(
            "CONFLICT",
            409,
            "他人已先修改。",
            "Somebody changed it first.",
            "Fetch it again, then decide again.",
        ),
        ErrorCode(
            "ILLEGAL_STEP",
            409,
            "当前状态下不能办理这一步。",
            "This step cannot follow the present state.",
            "`nextSteps` lists those that can.",
        ),
        ErrorCode(
            "PERSONAL_DATA_IN_GET",
            400,
            "证件号只能以 POST 提交，不得出现在网址中。",
            "An identity number may only be sent by POST, never in a URL.",
            "Send the same query by POST, with the number as a variable.",
        ),
        ErrorCode(
            "PERSISTED_QUERY_NOT_FOUND",
            400,
            "服务端没有保存这一查询。",
            "The server does not keep this query.",
            "Send the query's text; Quanxi keeps no persisted queries yet.",
        ),
        ErrorCode(
            "GRAPH_UNAVAILABLE",
            503,
            "图数据库暂不可用。",
            "Neo4j cannot be reached.",
            "`quanxi engine status` tells more; `/readyz` says when it is back.",
        ),
        ErrorCode(
            "INTERNAL",
            500,
            "服务内部错误，已记录。",
            "Something went wrong here; it has been logged.",
            "Report the `requestId`.",
        ),
    )
}

# What the store and the engine raise is, to somebody who asks a question, that there is no graph to ask.
_UNAVAILABLE: Final = re.compile(r"ENGINE_\w+")
# graphql-core's English → 中文, for the mistakes that people make most.
_ZH: Final = [
    (re.compile(pattern), zh)
    for pattern, zh in (
        (r"Syntax Error: (?P<a>.+)", "语法错误：{a}"),
        (r"Cannot query field '(?P<a>\w+)' on type '(?P<b>\w+)'", "类型 {b} 没有字段 {a}。"),
        (r"Unknown argument '(?P<a>\w+)' on field '(?P<b>[\w.]+)'", "字段 {b} 没有参数 {a}。"),
        (r"Argument '[\w.]+\((?P<a>\w+):\)' of type '(?P<b>[^']+)' is required", "缺少参数 {a}（{b}）。"),
        (r"Field '(?P<a>\w+)' of type '(?P<b>[^']+)' must have a selection", "字段 {a}（{b}）须写明子字段。"),
        (r"Field '(?P<a>\w+)' must not have a selection since", "字段 {a} 没有子字段。"),
        (
            r"Variable '\$(?P<a>\w+)' has invalid value: Expected a value of non-null type '(?P<b>[^']+)'",
            "缺少变量 ${a}（{b}）。",
        ),
        (
            r"Variable '\$(?P<a>\w+)' of type '(?P<b>[^']+)' used in position",
            "变量 ${a}（{b}）与参数的类型不合。",
        ),
        (r"Variable '\$(?P<a>\w+)' (?:got|has) invalid value", "变量 ${a} 的值不合类型。"),
        (r"Variable '\$(?P<a>\w+)' is not defined", "变量 ${a} 未声明。"),
        (r"Variable '\$(?P<a>\w+)' is never used", "变量 ${a} 未使用。"),
        (r"Unknown type '(?P<a>\w+)'", "没有类型 {a}。"),
        (r"Unknown fragment '(?P<a>\w+)'", "没有片段 {a}。"),
        (r"Unknown operation named '(?P<a>\w+)'", "没有名为 {a} 的操作。"),
        (r"Must provide operation name", "查询含多个操作，请以 operationName 指明其一。"),
        (r"Enum '(?P<a>\w+)'|Value '\w+' does not exist in '(?P<b>\w+)' enum", "枚举值有误。"),
    )
]
_ARGUMENT: Final = re.compile(r"(?:Unknown argument '|Argument '[\w.]+\()(\w+)|Variable '\$(\w+)'")


def tell(error: BaseException, request_id: str) -> dict[str, Any]:
    """One entry of `errors` for an error of whatever kind.

    A GraphQL error without a cause is the asker's (syntax, validation, coercion): BAD_ARGUMENT. Anything
    unforeseen is INTERNAL, with its trace in the log under the request's id.
    """
    cause: BaseException | None = error
    entry: dict[str, Any] = {}
    if isinstance(error, GraphQLError):
        cause = error
        while isinstance(cause, GraphQLError):
            cause = cause.original_error
        if error.locations:
            entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
        if error.path:
            entry["path"] = list(error.path)
    if isinstance(cause, QuanxiError):
        message, extensions = _ours(cause)
    elif isinstance(cause, TimeoutError):
        code = ERROR_CODES["TIMEOUT"]
        message, extensions = code.en, {"code": code.code, "messageZh": code.zh, "hint": code.remedy}
    elif cause is None and isinstance(error, GraphQLError) and not _is_internal(error):
        message, extensions = _graphql(error)
    else:
        code = ERROR_CODES["INTERNAL"]
        message, extensions = code.en, {"code": code.code, "messageZh": code.zh, "hint": code.remedy}
        log_unforeseen(cause if cause is not None else error, request_id)
    extensions = {
        "code": extensions["code"],
        "messageZh": extensions["messageZh"],
        "messageEn": message,
        **{key: value for key, value in extensions.items() if value and key not in ("code", "messageZh")},
        "requestId": request_id,
    }
    return {"message": message, **entry, "extensions": extensions}


def status_of(code: str) -> int:
    """The HTTP status of a code, when there is no data beside it."""
    found = ERROR_CODES.get(code)
    return found.status if found is not None else 400


def log_unforeseen(error: BaseException, request_id: str) -> None:
    """Log where an error came from; of its text nothing that looks like a number of somebody's."""
    frames = [
        f"{Path(f.filename).name}:{f.lineno} {f.name}"
        for f in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    text = re.sub(r"\d{5,}", "*****", str(error))[:500]
    log.error(
        "unforeseen",
        extra={"told": {"requestId": request_id, "error": type(error).__name__, "text": text, "at": frames}},
    )


def _ours(error: QuanxiError) -> tuple[str, dict[str, Any]]:
    if error.code not in ERROR_CODES and _UNAVAILABLE.fullmatch(error.code):
        code = ERROR_CODES["GRAPH_UNAVAILABLE"]
        return code.en, {"code": code.code, "messageZh": code.zh, "hint": code.remedy}
    if error.code == "GRAPH_UNAVAILABLE":
        # The store names the server's address, which is for the operator and not for whoever asks.
        code = ERROR_CODES[error.code]
        return code.en, {"code": code.code, "messageZh": code.zh, "hint": code.remedy}
    hint = error.hint or (ERROR_CODES[error.code].remedy if error.code in ERROR_CODES else "")
    return error.en, {
        "code": error.code,
        "messageZh": error.zh,
        "argument": getattr(error, "argument", None),
        "hint": hint,
    }


def _is_internal(error: GraphQLError) -> bool:
    # A resolver that gave null or a wrong kind for a field is our mistake and not the asker's.
    return bool(error.path) and error.message.startswith(
        (
            "Cannot return null for non-nullable",
            "Expected Iterable",
            "Abstract type",
            "Expected value of type",
        )
    )


def _graphql(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    zh = ERROR_CODES["BAD_ARGUMENT"].zh
    for pattern, form in _ZH:
        if match := pattern.match(error.message):
            zh = form.format(**{name: value or "" for name, value in match.groupdict().items()})
            break
    argument = _ARGUMENT.search(error.message)
    return error.message, {
        "code": "BAD_ARGUMENT",
        "messageZh": zh,
        "argument": (argument[1] or argument[2]) if argument else None,
    }


# -- docs/errors.md ----------------------------------------------------------------------------------------

_SOURCES: Final = ("addresses", "commands", "graph", "ledger", "loaders", "ontology", "schema", "seed", "web")
_MODULES: Final = ("cli.py", "demo.py", "server.py", "settings.py")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")


def raised(root: Path) -> dict[str, tuple[str, str, str]]:
    """The codes that the source under `root` raises → the first (zh, en, hint) found; `…` for what varies."""
    found: dict[str, tuple[str, str, str]] = {}
    for path in _files(root):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if not (
                name.endswith("Error") and isinstance(first, ast.Constant) and isinstance(first.value, str)
            ):
                continue
            if _CODE.fullmatch(first.value) and len(node.args) + len(node.keywords) >= 3:
                texts = [_text(value) for value in (*node.args[1:], *(k.value for k in node.keywords))]
                zh, en, hint = (*texts, "", "", "")[:3]
                found.setdefault(first.value, (zh, en, hint))
    return found


def _files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        yield from sorted((root / name).rglob("*.py"))
    yield from (root / name for name in _MODULES if (root / name).is_file())


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "…"
            for part in node.values
            if isinstance(part, ast.Constant | ast.FormattedValue)
        )
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return "…"


def document(root: Path) -> str:
    """`docs/errors.md` as it should be."""
    lines = [
        "# Error codes 错误码",
        "",
        "<!-- Written by `python -m schema.errors > docs/errors.md`; a test holds it current. -->",
        "",
        "## Of the API",
        "",
        "An answer's `errors[].extensions` has `code`, `messageZh`, `messageEn`, `requestId` (also the",
        "header `X-Request-Id`) and, where known, `argument` and `hint`. Codes are stable; messages are not.",
        "",
        "The HTTP status is 200 when the answer is `application/json`, as GraphQL over HTTP has it for that",
        "media type; clients that accept `application/graphql-response+json` get the status below when there",
        "is no data.",
        "Requests that are not GraphQL at all get 400, 405, 413 or 415, with the same body.",
        "",
        "| code | status | 中文 | English | what to do |",
        "|---|---|---|---|---|",
        *(_row(e.code, str(e.status), e.zh, e.en, e.remedy) for e in ERROR_CODES.values()),
        "",
        "## Of the `quanxi` command",
        "",
        "Printed in both languages with what to do, never with a stack trace. The exit code is 2 for what",
        "the caller can mend (an argument, a file, a setting), 3 when Neo4j cannot be started, reached or",
        "used, else 1. `…` stands for what is known only then.",
        "",
        "| code | 中文 | English | what to do |",
        "|---|---|---|---|",
        *(_row(code, *texts) for code, texts in sorted(raised(root).items()) if code not in ERROR_CODES),
        "",
    ]
    return "\n".join(lines)


def _row(code: str, *cells: str) -> str:
    return " | ".join((f"| `{code}`", *(" ".join(c.replace("|", "\\|").split()) for c in cells))) + " |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(document(Path(__file__).resolve().parent.parent))
