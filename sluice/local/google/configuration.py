"""What a function is told about Google, once Google is a process on this machine."""

import json
from collections.abc import Mapping
from typing import Final

CREDENTIALS: Final = "SLUICE_GOOGLE_CREDENTIALS"
BIGQUERY: Final = "BIGQUERY_EMULATOR_HOST"
_SERVICES: Final = ("https://sts.googleapis.com", "https://iamcredentials.googleapis.com")
_ADDRESSES: Final = ("token_url", "service_account_impersonation_url")


def at_home(variables: Mapping[str, str]) -> dict[str, str]:
    """Have the declared credential configuration lead to the local token service; nothing else changes."""
    found, local = variables.get(CREDENTIALS), variables.get(BIGQUERY)
    if not found or not local:
        return dict(variables)
    configuration = json.loads(found)
    for key in _ADDRESSES:
        for service in _SERVICES:
            if str(configuration.get(key, "")).startswith(service + "/"):
                configuration[key] = local + configuration[key].removeprefix(service)
    return {**variables, CREDENTIALS: json.dumps(configuration)}
