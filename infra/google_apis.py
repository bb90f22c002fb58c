"""The Google APIs that the other boxes need, switched on before anything else of Google's is declared."""

from typing import Final

import pulumi
import pulumi_gcp as gcp

from infra.environment import Environment

APIS: Final = ("bigquery", "cloudresourcemanager", "iam", "sts")
IMPERSONATION_APIS: Final = ("iamcredentials",)


class GoogleApis(pulumi.ComponentResource):
    """One switch per API; none when `enable_google_apis` leaves that to another team."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:GoogleApis", name, None, env.component)
        needed = APIS + (IMPERSONATION_APIS if env.settings.federation.mode == "impersonation" else ())
        for api in needed if env.settings.enable_google_apis else ():
            gcp.projects.Service(
                f"{name}-{api}",
                project=env.settings.google_project,
                service=f"{api}.googleapis.com",
                # Other programs in the project may need it still.
                disable_on_destroy=False,
                opts=env.within(self),
            )
        self.register_outputs({})
