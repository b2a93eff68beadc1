"""Running an operation: parsed and validated once per text, limited, timed, its errors told.

The server hands over what came over HTTP and gets an `Outcome` back; nothing of HTTP is known here.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Final, Literal

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    create_source_event_stream,
    execute_subscription_event,
    parse,
    visit,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.execution import ExecutionContext

from ontology.errors import UsageError
from ontology.identifiers import check_citizen_id
from schema.errors import tell
from schema.limits import Limits, Measure, check, measure, too_many
from schema.memo import Memo, current

Method = Literal["GET", "POST"]
# Texts kept parsed. Front ends have some dozens; whoever writes values into the text gets no use of it.
KEPT: Final = 256
# Longer texts are not kept, so that what is kept has a bound.
_KEPT_CHARACTERS: Final = 10_000
_ERRORS_TOLD: Final = 20
# The only key of a source's payload that is no event, but how far it has looked: from there a subscriber goes on who has had nothing of it.
MARK: Final = "mark"
# While Neo4j is away, an event that waits for it tries this often, in seconds.
_GRAPH_AGAIN: Final = 1.0
# So often an event may take longer than an operation may, before the subscription ends.
_LATE: Final = 3
_PERSONAL_ARGUMENTS: Final = frozenset({"idNumber"})
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an operation.

    Attributes:
        body: `data` (absent when the operation was not run) and `errors` (absent when there are none).
        codes: the codes of the errors, each once.
        roots: the root fields that were asked for; empty when the text could not be read.
        kind: query, mutation, subscription, or invalid.
    """

    body: dict[str, Any]
    codes: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    kind: str = "invalid"


@dataclass(frozen=True, slots=True)
class Event:
    """One outcome of a stream.

    Attributes:
        outcome: None where there was nothing for the subscriber, and only the cursor has moved on.
        cursor: from which a subscription goes on after it; None where there is none.
        ended: whether the operation could not begin or go on: nothing comes after.
    """

    outcome: Outcome | None
    cursor: str | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A text that was parsed and validated, with what its operations measure."""

    document: DocumentNode
    errors: list[GraphQLError]
    operations: Mapping[str | None, tuple[OperationDefinitionNode, Measure]]
    names_person: bool
    memo: Memo = field(default_factory=Memo)


_prepared: ContextVar[_Prepared | None] = ContextVar("_prepared", default=None)


class UsePrepared(SchemaExtension):
    """Gives strawberry the document that `Operations` has parsed and validated, instead of doing it again."""

    def on_operation(self) -> Iterator[None]:
        if (prepared := _prepared.get()) is not None:
            self.execution_context.graphql_document = prepared.document
            self.execution_context.validation_rules = ()
        yield


# Roots that somebody waits for longer than for others, in seconds: what they do has limits of its own (`traces.trial`).
LONG: Final = {"traceTrial": 160.0, "publishTrace": 60.0}


class Operations:
    """Runs the operations of one schema.

    Args:
        schema: its extensions are kept; `UsePrepared` is added.
        limits: what an operation may ask.
    """

    def __init__(self, schema: strawberry.Schema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self._core: GraphQLSchema = schema._schema
        if UsePrepared not in schema.extensions:
            schema.extensions = (*schema.extensions, UsePrepared)
        self._texts: OrderedDict[str, _Prepared] = OrderedDict()
        self.hits = 0
        self.misses = 0
        rules: ExecutionContext = ExecutionContext(query=None, schema=schema, allowed_operations=())
        self._rules = rules.validation_rules

    async def run(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Any,
        *,
        method: Method = "POST",
        request_id: str = "",
    ) -> Outcome:
        """Run one operation. Never raises for what an asker or Neo4j did wrong: the outcome tells it."""
        values = dict(variables or {})
        admitted = self._admit(query, values, operation_name, method, request_id)
        if isinstance(admitted, Outcome):
            return admitted
        prepared, roots, kind = admitted
        if kind == OperationType.SUBSCRIPTION.value:
            refusal = UsageError(
                "BAD_ARGUMENT",
                "订阅须经 WebSocket 或 text/event-stream。",
                "A subscription is answered over a WebSocket or as text/event-stream.",
                "See docs/api.md.",
            )
            return self._refused([refusal], request_id, roots, kind)
        token, remembered = _prepared.set(prepared), current.set(prepared.memo)
        try:
            async with asyncio.timeout(max(self.limits.seconds, *(LONG.get(root, 0.0) for root in roots))):
                result = await self.schema.execute(
                    query, variable_values=values, context_value=context, operation_name=operation_name
                )
        except Exception as error:
            return self._refused([error], request_id, roots, kind)
        finally:
            current.reset(remembered)
            _prepared.reset(token)
        return _outcome(result, request_id, roots, kind)

    async def stream(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Any,
        *,
        method: Method = "POST",
        request_id: str = "",
    ) -> AsyncGenerator[Event, None]:
        """Run one operation of any kind: the outcomes of a subscription as they come, or the one of a query or mutation.

        A subscription that cannot begin, or go on, ends with an event that tells the error. While Neo4j is away, the event that is to be
        answered waits for it.
        """
        values = dict(variables or {})
        admitted = self._admit(query, values, operation_name, method, request_id)
        if isinstance(admitted, Outcome):
            yield Event(admitted, ended=True)
            return
        prepared, roots, kind = admitted
        if kind != OperationType.SUBSCRIPTION.value:
            yield Event(
                await self.run(query, values, operation_name, context, method=method, request_id=request_id)
            )
            return
        assert self.schema.execution_context_class is not None
        executor = self.schema.execution_context_class.build(
            self._core,
            prepared.document,
            context_value=context,
            raw_variable_values=values,
            operation_name=operation_name,
        )
        if isinstance(executor, list):
            yield Event(self._refused(executor, request_id, roots, kind), ended=True)
            return
        source = create_source_event_stream(executor)
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            yield Event(self._refused(source.errors or [], request_id, roots, kind), ended=True)
            return
        payloads = aiter(source)
        try:
            while True:
                remembered = current.set(prepared.memo)
                try:
                    payload = await anext(payloads)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    yield Event(self._refused([error], request_id, roots, kind), ended=True)
                    return
                finally:
                    current.reset(remembered)
                if MARK in payload:
                    yield Event(None, payload[MARK])
                    continue
                outcome = await self._answered(executor, payload, prepared.memo, request_id, roots)
                if "TIMEOUT" in outcome.codes:
                    # It is not told, so that whoever goes on from the last cursor gets it again.
                    yield Event(outcome, ended=True)
                    return
                yield Event(outcome, payload.get("cursor"))
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def _answered(
        self, executor: Any, payload: Any, memo: Memo, request_id: str, roots: tuple[str, ...]
    ) -> Outcome:
        """The outcome of one event, once Neo4j is there; that it took too long, when it did several times."""
        late = 0
        while True:
            outcome = await self._event(executor, payload, memo, request_id, roots)
            late += "TIMEOUT" in outcome.codes
            if "GRAPH_UNAVAILABLE" not in outcome.codes and ("TIMEOUT" not in outcome.codes or late >= _LATE):
                return outcome
            await asyncio.sleep(_GRAPH_AGAIN)

    async def _event(
        self, executor: Any, payload: Any, memo: Memo, request_id: str, roots: tuple[str, ...]
    ) -> Outcome:
        """The outcome of one event."""
        one = executor.build_per_event_executor(payload)
        remembered = current.set(memo)
        try:
            one.context_value = executor.context_value.for_event()
            async with asyncio.timeout(self.limits.seconds):
                result = execute_subscription_event(one)
                if isawaitable(result):
                    result = await result
        except Exception as error:
            return self._refused([error], request_id, roots, "subscription")
        finally:
            current.reset(remembered)
        return _outcome(result, request_id, roots, "subscription")

    def _admit(
        self, query: str, values: dict[str, Any], operation_name: str | None, method: Method, request_id: str
    ) -> tuple[_Prepared, tuple[str, ...], str] | Outcome:
        """The text prepared, its roots and its kind; or the refusal of an operation that is wrong or asks too much."""
        roots: tuple[str, ...] = ()
        kind = "invalid"
        try:
            prepared = self._prepare(query)
            if prepared.errors:
                return self._refused(prepared.errors, request_id)
            operation, measured = _choose(prepared, operation_name)
            roots, kind = measured.roots, operation.operation.value
            if method == "GET":
                if operation.operation is OperationType.MUTATION:
                    raise UsageError(
                        "BAD_ARGUMENT", "GET 只能查询。", "Only queries may be sent by GET.", "Use POST."
                    )
                if prepared.names_person or _names_person(values):
                    raise personal_data_in_get()
            check(measured, self.limits, values)
        except Exception as error:
            return self._refused([error], request_id, roots, kind)
        return prepared, roots, kind

    def _prepare(self, query: str) -> _Prepared:
        if (found := self._texts.get(query)) is not None:
            self._texts.move_to_end(query)
            self.hits += 1
            return found
        self.misses += 1
        if len(query) > self.limits.characters:
            raise too_many("字符", "characters", f"{len(query):,}", self.limits.characters)
        try:
            document = self._parse(query)
            operations = {
                (node.name.value if node.name else None): (node, measure(self._core, document, node))
                for node in document.definitions
                if isinstance(node, OperationDefinitionNode)
            }
            # The cheap limits first: validation of a text that breaks them could take long.
            for _, measured in operations.values():
                if measured.depth > self.limits.depth or measured.aliases > self.limits.aliases:
                    check(measured, self.limits, {})
            errors = validate_document(self._core, document, self._rules)
        except RecursionError:
            raise UsageError(
                "TOO_DEEP", "查询嵌套过深。", "The query is nested too deeply.", "Split the query."
            ) from None
        prepared = _Prepared(document, errors, operations, _document_names_person(document))
        if len(query) <= _KEPT_CHARACTERS:
            self._texts[query] = prepared
            if len(self._texts) > KEPT:
                self._texts.popitem(last=False)
        return prepared

    def _parse(self, query: str) -> DocumentNode:
        try:
            return parse(query, max_lexical_tokens=self.limits.tokens, max_comments=self.limits.tokens)
        except GraphQLError as error:
            if "more than" in error.message and ("token" in error.message or "comment" in error.message):
                raise too_many("词元", "tokens", f"> {self.limits.tokens:,}", self.limits.tokens) from None
            if "nested too deeply" in error.message or "recursion" in error.message:
                raise RecursionError from None
            raise

    @staticmethod
    def _refused(
        errors: list[Any], request_id: str, roots: tuple[str, ...] = (), kind: str = "invalid"
    ) -> Outcome:
        told = [tell(error, request_id) for error in errors[:_ERRORS_TOLD]]
        return Outcome({"errors": told}, _codes(told), roots, kind)


def _outcome(result: Any, request_id: str, roots: tuple[str, ...], kind: str) -> Outcome:
    if not result.errors:
        return Outcome({"data": result.data}, (), roots, kind)
    told = [tell(error, request_id) for error in result.errors[:_ERRORS_TOLD]]
    body: dict[str, Any] = {"errors": told}
    # Without a path nothing was executed (a variable of the wrong kind): then there is no data.
    if result.data is not None or any(error.path for error in result.errors):
        body = {"data": result.data, "errors": told}
    return Outcome(body, _codes(told), roots, kind)


def personal_data_in_get() -> UsageError:
    """The refusal of an identity number in a URL, where it would be kept by logs and histories."""
    return UsageError(
        "PERSONAL_DATA_IN_GET",
        "证件号只能以 POST 提交，不得出现在网址中。",
        "An identity number may only be sent by POST, never in a URL.",
        "Send the same query by POST, with the number as a variable.",
    )


def _codes(told: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry["extensions"]["code"] for entry in told))


def _choose(prepared: _Prepared, name: str | None) -> tuple[OperationDefinitionNode, Measure]:
    if name is None and len(prepared.operations) == 1:
        return next(iter(prepared.operations.values()))
    if name is not None and name in prepared.operations:
        return prepared.operations[name]
    if name is None:
        if not prepared.operations:
            raise GraphQLError("The query has no operation.")
        raise GraphQLError("Must provide operation name if query contains multiple operations.")
    raise GraphQLError("There is no operation of that name in the query.")


def _names_person(value: Any) -> bool:
    """Whether a value has an identity number in it, by form and check character."""
    if isinstance(value, str):
        return any(check_citizen_id(match).ok for match in _NUMBER.findall(value))
    if isinstance(value, Mapping):
        return any(_names_person(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_names_person(each) for each in value)
    return False


def _document_names_person(document: DocumentNode) -> bool:
    found = False

    class Look(Visitor):
        def enter_argument(self, node: Any, *_: Any) -> None:
            nonlocal found
            found = found or node.name.value in _PERSONAL_ARGUMENTS

        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            nonlocal found
            found = found or _names_person(node.value)

    visit(document, Look())
    return found
