"""What the account of the local AWS may have and do: quotas, and IAM's simulation of policies.

moto has neither: its quotas are those of VPCs alone, its Kinesis limits are fixed, and it cannot simulate.
Defaults are those of a new region of an account that is in use (AWS general reference, service endpoints and
quotas, read 2026-11). As in AWS, GetServiceQuota knows a quota only once it was changed;
unlike there, whatever is asked for is granted at once, less as well.
"""

import json
import threading
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse
from moto.kinesis.models import KinesisBackend
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from sluice.local.access.policy import Policies
from sluice.local.access.world import MotoWorld

DEFAULTS: Final = {
    "dynamodb/L-F98FE922": 2500,
    "es/L-076D529E": 100,
    "kinesis/OnDemandStreamCountLimit": 50,
    "kinesis/ShardLimit": 500,
}
"""By service and quota code, or the word that the service's own call has for it."""

_NAMES: Final = {"dynamodb/L-F98FE922": "Maximum number of tables", "es/L-076D529E": "Domains per Region"}


class Quotas:
    """The quotas as they are now. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: dict[str, int] = {}

    def change(self, service: str, code: str, value: float) -> None:
        """Take a quota as granted, be it more or less; raises NoSuchResource for one that is not known."""
        name = f"{service}/{code}"
        if name not in DEFAULTS:
            raise NoSuchResource
        with self._lock:
            self._changed = {**self._changed, name: int(value)}

    def value(self, name: str) -> int:
        """Return a quota."""
        return self._changed.get(name, DEFAULTS[name])

    def described(self, service: str, code: str, *, default: bool) -> dict[str, Any]:
        """Return a quota as Service Quotas does; raises NoSuchResource for what it does not know."""
        name = f"{service}/{code}"
        if name not in _NAMES or not (default or name in self._changed):
            raise NoSuchResource
        value = DEFAULTS[name] if default else self.value(name)
        return {
            "ServiceCode": service,
            "QuotaCode": code,
            "QuotaName": _NAMES[name],
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def patch() -> None:
    """Have moto answer by quotas, and simulate."""
    quotas = Quotas()
    of_a_vpc = ServiceQuotasBackend.get_service_quota

    def get_service_quota(backend: ServiceQuotasBackend, service_code: str, quota_code: str) -> Any:
        if service_code == "vpc":
            return of_a_vpc(backend, service_code, quota_code)
        return quotas.described(service_code, quota_code, default=False)

    def get_aws_default_service_quota(response: ServiceQuotasResponse) -> str:
        asked = json.loads(response.body)
        found = quotas.described(str(asked.get("ServiceCode")), str(asked.get("QuotaCode")), default=True)
        return json.dumps({"Quota": found})

    def request_service_quota_increase(response: ServiceQuotasResponse) -> str:
        asked = json.loads(response.body)
        service, code, wanted = (
            str(asked["ServiceCode"]),
            str(asked["QuotaCode"]),
            float(asked["DesiredValue"]),
        )
        quotas.change(service, code, wanted)
        granted = {"ServiceCode": service, "QuotaCode": code, "DesiredValue": wanted, "Status": "APPROVED"}
        return json.dumps({"RequestedQuota": granted})

    def describe_limits(backend: KinesisBackend) -> dict[str, int]:
        modes = [(each, _is_on_demand(each)) for each in list(backend.streams.values())]
        shards = [
            shard
            for stream, on_demand in modes
            if not on_demand
            for shard in stream.shards.values()
            if shard.is_open
        ]
        return {
            "ShardLimit": quotas.value("kinesis/ShardLimit"),
            "OpenShardCount": len(shards),
            "OnDemandStreamCount": sum(on_demand for _, on_demand in modes),
            "OnDemandStreamCountLimit": quotas.value("kinesis/OnDemandStreamCountLimit"),
        }

    patched: dict[Any, dict[str, Any]] = {
        ServiceQuotasBackend: {"get_service_quota": get_service_quota},
        ServiceQuotasResponse: {
            "get_aws_default_service_quota": get_aws_default_service_quota,
            "request_service_quota_increase": request_service_quota_increase,
        },
        KinesisBackend: {"describe_limits": describe_limits},
        IamResponse: {"simulate_principal_policy": _simulate},
    }
    for kind, methods in patched.items():
        for name, method in methods.items():
            setattr(kind, name, method)


def _is_on_demand(stream: Any) -> bool:
    return (stream.stream_mode or {}).get("StreamMode") == "ON_DEMAND"


def _simulate(response: IamResponse) -> ActionResult:
    """Decide by a role's policies, with no value for conditions; the account's owner may do everything."""
    principal = str(response._get_param("PolicySourceArn"))  # noqa: SLF001 - how moto's handlers read requests
    actions = response._get_param("ActionNames") or []  # noqa: SLF001 - same
    role = principal.partition(":role/")[2].rpartition("/")[2]
    if role and not any(each.name == role for each in response.backend.get_roles()):
        raise NotFoundException(f"The entity with ARN {principal} cannot be found.")
    policies = Policies(MotoWorld().policies(role)) if role else None
    resource = str((response._get_param("ResourceArns") or ["*"])[0])  # noqa: SLF001 - same
    on = None if resource == "*" else resource
    decided = {action: policies is None or policies.decide(action, on, dict).allowed for action in actions}
    return ActionResult(
        {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "allowed" if allowed else "implicitDeny",
                }
                for action, allowed in decided.items()
            ],
            "IsTruncated": False,
        }
    )
