"""AWS's own client for the local AWS."""

from typing import Any

import boto3


def client(service: str, url: str, region: str = "eu-west-1") -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
    )
