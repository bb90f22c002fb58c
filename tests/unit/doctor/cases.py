"""A case without any cloud: what is asked of one answers from what a test gives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sluice.doctor.aws import Aws
from sluice.doctor.case import Case
from sluice.doctor.finding import Finding, Level
from sluice.doctor.google import Google
from sluice.local.declared import Declared
from sluice.local.program import Program

Look = Callable[[Case], Iterable[Finding]]


class Client:
    """Answers each call with a document, or raises; what no test expects is an error."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, call: str) -> Callable[..., Any]:
        answer = self._answers[call]

        def called(**_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return called

    @staticmethod
    def can_paginate(_call: str) -> bool:
        return False


class Clients(Aws):
    """The AWS of a test: clients by service, or by service and region."""

    def __init__(self, clients: Mapping[str, Client], region: str = "eu-central-1") -> None:
        super().__init__(region)
        self._given = clients

    def client(self, service: str, region: str | None = None) -> Any:
        return self._given.get(f"{service}/{region}") or self._given[service]


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


def declared(kind: str, called: str, /, **inputs: Any) -> Declared:
    return Declared(type=kind, name=called, inputs=inputs, urn=f"urn:pulumi:dev::sluice::{kind}::{called}")


def case(
    *resources: Declared,
    clients: Mapping[str, Client] | None = None,
    settings: Mapping[str, Any] | None = None,
    exports: Mapping[str, Any] | None = None,
    root: Path = Path("nowhere"),
    cli: Any = None,
    refusal: str = "",
    warnings: Sequence[str] = (),
) -> Case:
    program = Program(resources=resources, outputs={}, warnings=tuple(warnings))
    made = Case(
        root=root,
        env="dev",
        pipeline=root / "pipeline.py",
        settings={"aws_account_id": "111111111111", "google_project": "p", **(settings or {})},
        program=None if refusal else program,
        refusal=refusal,
        aws=Clients(clients or {}),
        google=Google("p"),
    )
    made.__dict__["cli"] = cli
    made._known.append(dict(exports or {}))
    return made


def only(look: Look, of: Case, level: Level = Level.problem) -> Finding:
    (found,) = (one for one in look(of) if one.level is level)
    assert found.cause
    assert found.consequence
    assert found.next_step
    return found
