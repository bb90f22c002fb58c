"""What a month may cost on each cloud, and who hears of it before it does."""

from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from bootstrap.account import Account

_SPENT: Final = (50, 80, 100)
"""Percent of the amount that was spent: a mail for each."""


class Budgets(pulumi.ComponentResource):
    """A monthly budget of the AWS account, and one of the Google project; neither stops anything."""

    def __init__(self, name: str, account: Account) -> None:
        super().__init__("sluice:bootstrap:Budgets", name, None, account.component)
        wanted, within = account.settings.budget, pulumi.ResourceOptions(parent=self)
        emails = list(wanted.emails)
        if wanted.aws_usd is not None:
            aws.budgets.Budget(
                f"{name}-aws",
                name=f"{account.project}-{account.number}",
                budget_type="COST",
                limit_amount=f"{wanted.aws_usd}.0",
                limit_unit="USD",
                time_unit="MONTHLY",
                notifications=[
                    *(_mail("ACTUAL", percent, emails) for percent in _SPENT),
                    _mail("FORECASTED", 100, emails),
                ],
                opts=within,
            )
        if wanted.google_amount is not None and wanted.google_billing_account is not None:
            # Google mails to who administers and uses the billing account; other addresses take a channel.
            gcp.billing.Budget(
                f"{name}-google",
                billing_account=wanted.google_billing_account,
                display_name=f"{account.project} in {account.google_project}",
                budget_filter={"projects": [f"projects/{account.google_project}"]},
                amount={
                    "specified_amount": {
                        "currency_code": wanted.google_currency,
                        "units": str(wanted.google_amount),
                    }
                },
                threshold_rules=[
                    *(gcp.billing.BudgetThresholdRuleArgs(threshold_percent=part / 100) for part in _SPENT),
                    gcp.billing.BudgetThresholdRuleArgs(
                        threshold_percent=1.0, spend_basis="FORECASTED_SPEND"
                    ),
                ],
                opts=within,
            )
        self.register_outputs({})


def _mail(kind: str, percent: int, emails: list[str]) -> aws.budgets.BudgetNotificationArgsDict:
    return {
        "comparison_operator": "GREATER_THAN",
        "notification_type": kind,
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_email_addresses": emails,
    }
