"""Errors that a user can cause or should read, each with a stable code and a sentence in both languages."""

from __future__ import annotations

from typing import Any


class QuanxiError(Exception):
    """An error that is told to a person, never shown as a stack trace.

    Attributes:
        code: stable upper-case code (see `docs/errors.md`).
        zh, en: one sentence each, saying what is wrong.
        hint: what to do about it, or an empty string.
        exit_code: what the `quanxi` command exits with.
    """

    exit_code = 1

    def __init__(self, code: str, zh: str, en: str, hint: str = "") -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        # It may come from another process, where exceptions are made again of what they are called with.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[QuanxiError], args: tuple[Any, ...], held: dict[str, Any]) -> QuanxiError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(held)
    return error


class UsageError(QuanxiError):
    """A wrong argument, file or setting of the caller."""

    exit_code = 2


class EngineError(QuanxiError):
    """Neo4j cannot be started, reached or used."""

    exit_code = 3
