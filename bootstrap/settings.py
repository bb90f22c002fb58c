"""The settings of one account's bootstrap, checked before anything is declared."""

import json
from typing import Annotated, Any, Final, Self

import pulumi
from pulumi.runtime import config as stack_config
from pydantic import Field, ValidationError, model_validator

from infra.limits import text, whole
from infra.settings_errors import in_words
from infra.settings_functions import Section, Whole, refusal
from sluice.errors import SettingsError

SUBJECT: Final = text(
    r"repo:[A-Za-z0-9_.-]+(@\d+)?/[A-Za-z0-9_.-]+(@\d+)?",
    "repo:OWNER/REPO, or repo:OWNER@ID/REPO@ID, as `gh api repos/OWNER/REPO/actions/oidc/customization/sub"
    " --jq .sub_claim_prefix` prints it",
    "GitHub docs, OpenID Connect reference, read 2026-11",
)
ENVIRONMENT: Final = text(
    r"[a-z][a-z0-9-]{0,30}", "the name of an environment, such as dev", "GitHub docs, environments"
)
ARN: Final = text(
    r"arn:aws[a-z-]*:(aoss|athena|dynamodb|es|firehose|glue|kinesis|kms|lambda|logs|s3|secretsmanager|sqs)"
    r":[a-z0-9-]*:(\d{12})?:[^*?\s]+(/\*)?",
    "an ARN of what a function can be given (dynamodb, es, kinesis, kms, s3, secretsmanager, sqs and others);"
    " a star stands at its end alone, after a slash",
    "IAM user guide, ARNs",
)
STATE_DAYS: Final = whole(30, 3650, "S3 API, NoncurrentVersionExpiration", unit="days")
MONTHLY: Final = whole(1, 10_000_000, "Budgets API, Spend")
BILLING_ACCOUNT: Final = text(
    r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}",
    "the id of a billing account (0A1B2C-3D4E5F-6A7B8C)",
    "Cloud Billing API, billingAccounts",
)
CURRENCY: Final = text(r"[A-Z]{3}", "the currency of the billing account, such as EUR", "ISO 4217")
EMAIL: Final = text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an email address", "Budgets API, Subscriber")

_MOST_EMAILS: Final = 10
"""Subscribers of one notification (Budgets API, NotificationWithSubscribers: 11, one of them a topic)."""

_SUBJECT_BYTES: Final = 127
"""What Google takes as `google.subject` (IAM API, WorkloadIdentityPoolProvider)."""


class BudgetSettings(Section):
    """What may be spent in a month on each cloud, and who is told when it is about to be more."""

    aws_usd: Annotated[Whole | None, MONTHLY] = None
    google_amount: Annotated[Whole | None, MONTHLY] = None
    google_billing_account: Annotated[str | None, BILLING_ACCOUNT] = None
    google_currency: Annotated[str, CURRENCY] = "USD"
    emails: Annotated[tuple[Annotated[str, EMAIL], ...], Field(max_length=_MOST_EMAILS)] = ()

    @model_validator(mode="after")
    def _somebody_is_told(self) -> Self:
        if self.aws_usd is not None and not self.emails:
            raise refusal("emails", "at least one when aws_usd is set: nobody would be told")
        if (self.google_amount is None) != (self.google_billing_account is None):
            words = "set both google_amount and google_billing_account, or neither"
            raise refusal("google_billing_account", f"the id of the billing account with an amount: {words}")
        return self


class Settings(Section):
    """All settings of one account."""

    github_subject: Annotated[str, SUBJECT]
    environments: tuple[Annotated[str, ENVIRONMENT], ...] = ()
    github_provider: bool = True
    reach: tuple[Annotated[str, ARN], ...] = ()
    state_days: Annotated[Whole, STATE_DAYS] = 365
    budget: BudgetSettings = BudgetSettings()

    @model_validator(mode="after")
    def _each_environment_once(self) -> Self:
        if len(set(self.environments)) != len(self.environments):
            raise refusal("environments", "each environment once")
        for each in self.environments:
            if len(self.subject(each).encode()) > _SUBJECT_BYTES:
                raise refusal(
                    "github_subject", f"a shorter one: Google takes {_SUBJECT_BYTES} bytes of subject"
                )
        return self

    def subject(self, environment: str) -> str:
        """Write what the token of a deployment says that it is."""
        return f"{self.github_subject}:environment:{environment}"

    @property
    def previews(self) -> tuple[str, ...]:
        """What tokens of pull requests' and of the main branch's runs say."""
        return (f"{self.github_subject}:pull_request", f"{self.github_subject}:ref:refs/heads/main")


def load_settings() -> Settings:
    """Read and check the running stack's configuration; without environments, the stack is one.

    Raises:
        SettingsError: one line naming the first wrong key and the file to change.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    namespace, file = f"{project}:", f"bootstrap/Pulumi.{stack}.yaml"
    everything = {**stack_config.get_config_env(), **stack_config.CONFIG.get()}
    values: dict[str, Any] = {
        key.removeprefix(namespace): value for key, value in everything.items() if key.startswith(namespace)
    }
    for key in ("environments", "reach", "budget"):
        if isinstance(values.get(key), str):
            try:
                values[key] = json.loads(values[key])
            except ValueError:
                raise SettingsError(f"{namespace}{key} is {values[key]!r}: change it in {file}") from None
    values["environments"] = values.get("environments") or [stack]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(in_words(error, Settings, namespace=namespace, file=file)) from None
