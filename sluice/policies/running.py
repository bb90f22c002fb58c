"""Functions that can be watched: logs that are ours and end, traces, and no secret in their variables."""

import re
from collections.abc import Iterator
from typing import Final

from sluice.policies import kinds
from sluice.policies.resource import UNKNOWN, Resources
from sluice.policies.rule import Finding, Rule

_LAMBDA_LOGS: Final = "/aws/lambda/"

_SECRETS: Final = (
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\"private_key\"\s*:")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a token of GitHub's", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}")),
    ("a token of Slack's", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    (
        "a password in an address",
        re.compile(r"://[^/\s:@]+:[^/\s:@]+@|[?&;](password|pwd)=[^&;\s]+", re.IGNORECASE),
    ),
)
"""What a secret looks like, wherever it stands."""

_SECRET_NAME: Final = re.compile(r"(?i)(^|_)(password|passwd|secret|token|api_?key|private_?key)$")
"""Names of variables that hold a secret; a secret's ARN is none."""


def _logs_end(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.LOG_GROUP):
        if each.lacks("retentionInDays") or each.at("retentionInDays") == 0:
            yield each, "keeps its logs for good: set retention_in_days"


def _functions_have_their_logs(resources: Resources) -> Iterator[Finding]:
    groups = {each.at("name") for each in resources.of(kinds.LOG_GROUP)}
    for each in resources.of(kinds.FUNCTION):
        group = each.at("loggingConfig", "logGroup") or f"{_LAMBDA_LOGS}{each.at('name')}"
        if UNKNOWN not in {group, each.at("name")} and group not in groups:
            yield each, f"logs into {group}, which nobody declared: declare it with a retention"


def _functions_are_traced(resources: Resources) -> Iterator[Finding]:
    functions = list(resources.of(kinds.FUNCTION))
    untraced = [each for each in functions if each.differs("Active", "tracingConfig", "mode")]
    for each in untraced if len(untraced) < len(functions) else ():
        yield each, "leaves no traces, where others do: set tracing_config's mode to Active"


def _no_secrets(resources: Resources) -> Iterator[Finding]:
    for each in resources.created:
        for path, text in each.texts():
            for words, pattern in _SECRETS:
                if pattern.search(text):
                    yield each, f"{path} holds {words}: keep it in Secrets Manager, and name its ARN"
            key = path.rpartition(".")[2]
            if path.startswith("environment.") and _SECRET_NAME.search(key) and _not_an_arn(text):
                yield each, f"{path} is a secret by its name: keep it in Secrets Manager, and name its ARN"


def _not_an_arn(text: str) -> bool:
    return bool(text) and text != UNKNOWN and not text.startswith("arn:")


RULES: Final = (
    Rule(
        id="logs-end",
        demands="Log groups say how long they are kept",
        reason="logs without an end cost more every month, and hold names and ids",
        check=_logs_end,
    ),
    Rule(
        id="logs-declared",
        demands="A function logs into a group of the program",
        reason="the group that Lambda makes by itself never ends and has no key",
        check=_functions_have_their_logs,
    ),
    Rule(
        id="functions-traced",
        demands="Functions are traced: all of them, or with the setting `tracing` off none",
        reason="a slow call to BigQuery or a queue shows in a trace, not in a log line",
        check=_functions_are_traced,
    ),
    Rule(
        id="no-secrets",
        demands="No secret stands in a variable, or anywhere else in the program",
        reason="variables are shown to everybody who may look at a function, and kept in the state",
        check=_no_secrets,
    ),
)
