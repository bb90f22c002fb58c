"""AWS credentials: whether they are good, of the right account, and for a region that is switched on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sluice.doctor.aws import NotAws, code_of
from sluice.doctor.case import Case
from sluice.doctor.finding import Finding
from sluice.errors import EnvironmentProblem

AWS: Final = "AWS account"
LOGIN: Final = "aws sso login, or set AWS_PROFILE to a profile of account {}"
SKEW_SECONDS: Final = 60
MOST_SKEW_SECONDS: Final = 300
"""AWS refuses requests that were signed more than five minutes before or after its own time (IAM user guide,
"Troubleshoot Signature Version 4 signing")."""

ELSEWHERE: Final = "us-east-1"
"""A region that is on in every account (AWS account management guide, "Enable or disable Regions")."""

_OVER: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_CLOCK: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "SignatureDoesNotMatch"})
_REGION_OFF: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "RegionDisabledException"}
)
_NEVER: Final = "`pulumi up` cannot create anything in AWS"


def account(case: Case) -> Iterator[Finding]:
    """Ask AWS whose the credentials are, and compare the account with that of the settings."""
    from botocore.exceptions import (  # noqa: PLC0415 - half a second, wanted here alone
        BotoCoreError,
        ClientError,
        HTTPClientError,
    )
    from botocore.exceptions import (  # noqa: PLC0415 - same
        ConnectionError as NoConnection,
    )

    login = LOGIN.format(case.account)
    try:
        answer = case.aws.identity()
    except NotAws as error:
        look = "look at the network and at proxies (HTTPS_PROXY, AWS_ENDPOINT_URL)"
        yield Finding.problem(AWS, str(error), _NEVER, look)
        return
    except EnvironmentProblem as error:
        yield Finding.problem(AWS, str(error), _NEVER, login)
        return
    except ClientError as error:
        yield _refused(case, error)
        return
    except (NoConnection, HTTPClientError) as error:
        look = f"look at the network and at proxies, and whether there is a region {case.region}"
        yield Finding.problem(AWS, " ".join(str(error).split()), _NEVER, look)
        return
    except BotoCoreError as error:  # of a login that has ended, say
        yield Finding.problem(AWS, " ".join(str(error).split()), _NEVER, login)
        return
    who, whose = answer["Arn"], answer["Account"]
    if whose == case.account:
        yield Finding.ok(AWS, f"{who} in {case.region}")
    else:
        yield Finding.problem(
            AWS,
            f"the credentials are of account {whose} ({who}), and {case.env} belongs to {case.account}",
            "the program refuses to work there: nothing is created anywhere",
            f"{login}; or, if {whose} is meant: pulumi config set aws_account_id {whose} --stack {case.env}",
        )
    yield from _clock(answer)


def _refused(case: Case, error: Exception) -> Finding:
    code, said = code_of(error), " ".join(str(error).split())
    if code in _OVER:
        return Finding.problem(AWS, f"the AWS credentials are over: {said}", _NEVER, "aws sso login")
    if code in _CLOCK:
        return Finding.problem(
            AWS,
            f"AWS refuses the signature: {said}",
            _NEVER,
            "set the clock (timedatectl set-ntp true), and look at AWS_SECRET_ACCESS_KEY",
        )
    if code in _REGION_OFF and _good_elsewhere(case):
        return Finding.problem(
            AWS,
            f"region {case.region} is not switched on in account {case.account}",
            _NEVER,
            f"aws account enable-region --region-name {case.region}, and wait until it is on; "
            f"or: pulumi config set aws_region REGION --stack {case.env}",
        )
    return Finding.problem(
        AWS, f"AWS takes no notice of the credentials: {said}", _NEVER, LOGIN.format(case.account)
    )


def _good_elsewhere(case: Case) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see account

    try:
        case.aws.client("sts", ELSEWHERE).get_caller_identity()
    except (BotoCoreError, ClientError):
        return False
    return case.region != ELSEWHERE


def _clock(answer: dict[str, Any]) -> Iterator[Finding]:
    """Compare this machine's clock with the time at which AWS says it has answered."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not said:
        return
    skew = (datetime.now(UTC) - parsedate_to_datetime(said)).total_seconds()
    if abs(skew) <= SKEW_SECONDS:
        return
    way = "ahead of" if skew > 0 else "behind"
    cause = f"this machine's clock is {abs(skew):.0f} s {way} that of AWS"
    refused = f"AWS refuses signatures that are off by more than {MOST_SKEW_SECONDS} s"
    yield Finding.warning(AWS, cause, refused, "set the clock: timedatectl set-ntp true")
