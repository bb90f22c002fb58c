"""All checks, in the order in which their findings are told."""

from typing import Final

from sluice.doctor import (
    aws_account,
    aws_quotas,
    aws_rights,
    configuration,
    deployed_aws,
    deployed_google,
    google_project,
    machine,
    names,
    state,
)
from sluice.doctor.examination import Check

_AWS: Final = (configuration.SETTINGS, aws_account.AWS)
_GOOGLE: Final = (configuration.SETTINGS, google_project.PROJECT)
_STACK: Final = (state.STATE, machine.TOOLS)

CHECKS: Final = (
    Check(name=machine.TOOLS, looks_at="the tools on this machine", run=machine.tools),
    Check(name=machine.PACKAGES, looks_at="the installed packages", run=machine.packages),
    Check(name=machine.GIT, looks_at="the git checkout", run=machine.git),
    Check(name=configuration.SETTINGS, looks_at="the settings", run=configuration.settings),
    Check(
        name=configuration.RULES,
        looks_at="the rules of every environment",
        run=configuration.rules,
        needs=(configuration.SETTINGS,),
    ),
    Check(name=configuration.CONTRACT, looks_at="the contract", run=configuration.contract),
    Check(name=state.STATE, looks_at="Pulumi's state", run=state.state, needs=(machine.TOOLS,)),
    Check(name=aws_account.AWS, looks_at="the AWS credentials", run=aws_account.account),
    Check(
        name=aws_rights.RIGHTS,
        looks_at="what the AWS credentials may do",
        run=aws_rights.rights,
        needs=_AWS,
    ),
    Check(
        name=aws_quotas.QUOTAS, looks_at="the quotas of the AWS account", run=aws_quotas.quotas, needs=_AWS
    ),
    Check(name=google_project.PROJECT, looks_at="the Google project", run=google_project.project),
    Check(name=google_project.APIS, looks_at="Google's APIs", run=google_project.apis, needs=_GOOGLE),
    Check(
        name=google_project.RIGHTS,
        looks_at="what the Google credentials may do",
        run=google_project.rights,
        needs=_GOOGLE,
    ),
    Check(
        name=google_project.LOCATION,
        looks_at="where the datasets lie",
        run=google_project.location,
        needs=(*_GOOGLE, google_project.APIS),
    ),
    Check(name=names.NAMES, looks_at="names in AWS", run=names.names, needs=(*_AWS, *_STACK)),
    Check(name="adopted", looks_at="what is adopted", run=names.adopted, needs=_AWS),
    Check(
        name="names in Google",
        looks_at="names in Google Cloud",
        run=names.google_names,
        needs=(*_GOOGLE, *_STACK, google_project.APIS),
    ),
    Check(
        name=deployed_aws.RUNNING,
        looks_at="what runs in AWS",
        run=deployed_aws.running,
        needs=(*_AWS, *_STACK),
    ),
    Check(
        name=deployed_aws.MAPPINGS,
        looks_at="the event-source mappings",
        run=deployed_aws.mappings,
        needs=(*_AWS, *_STACK),
    ),
    Check(
        name=deployed_aws.SUBSCRIPTIONS,
        looks_at="who gets the alarms",
        run=deployed_aws.subscriptions,
        needs=(*_AWS, *_STACK),
    ),
    Check(
        name=deployed_google.TABLES,
        looks_at="the tables in BigQuery",
        run=deployed_google.tables,
        needs=(*_GOOGLE, *_STACK, google_project.APIS),
    ),
    Check(
        name=deployed_google.POOLS,
        looks_at="the identity pool",
        run=deployed_google.pool,
        needs=(*_GOOGLE, *_STACK, google_project.APIS),
    ),
)
