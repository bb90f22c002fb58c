"""What a team needs once per account: where state lies, GitHub's way in on both clouds, and budgets.

Run by `pulumi up` in this folder, by somebody who administers both clouds: docs/bootstrap.md.
"""

import pulumi

from bootstrap.account import Account
from bootstrap.budgets import Budgets
from bootstrap.github_aws import GitHubOnAws
from bootstrap.github_google import GitHubOnGoogle
from bootstrap.state import State
from infra.one_line_errors import one_line_errors

with one_line_errors():
    account = Account.load()
    state = State("state", account)
    on_aws = GitHubOnAws("github", account, state)
    on_google = GitHubOnGoogle("google", account)
    Budgets("budgets", account)

    pulumi.export(
        "environments",
        [
            {
                "environment": place.stack,
                "aws_region": account.region,
                "preview_role": on_aws.roles[place.stack, "preview"],
                "deploy_role": on_aws.roles[place.stack, "deploy"],
                "google_provider": on_google.provider,
                "google_project": account.google_project,
                "state": state.url(place),
            }
            for place in account.places
        ],
    )
    pulumi.export("bootstrap_state", f"s3://{account.bucket}/bootstrap?region={account.region}")
    pulumi.export("secrets_provider", state.secrets_provider)
    pulumi.export("permission_boundaries", {place.stack: place.boundary for place in account.places})
