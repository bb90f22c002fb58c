"""What KMS, IAM, Lambda and Signer accept of the settings: see infra/limits.py, whose rules hold here."""

from typing import Final

from infra.limits import text, whole

KEY: Final = text(
    r"aws|own|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
    "aws, own, or the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias: IAM grants need the"
    " key itself)",
    "KMS developer guide, key ARN",
)
ADMINISTRATOR: Final = text(
    r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+",
    "the ARN of an IAM role or user (arn:aws:iam::ACCOUNT:role/NAME)",
    "IAM user guide, IAM identifiers",
)
PRODUCER: Final = text(
    r"arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)",
    "the ARN of a role or user (arn:aws:iam::ACCOUNT:role/NAME), or of a whole account"
    " (arn:aws:iam::ACCOUNT:root)",
    "IAM user guide, principals",
)
ROTATION_DAYS: Final = whole(90, 2560, "KMS API, EnableKeyRotation", unit="days")
BOUNDARY: Final = text(
    r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+",
    "the ARN of a managed policy (arn:aws:iam::ACCOUNT:policy/NAME)",
    "IAM API, CreateRole",
)
ROLE_PATH: Final = text(
    r"(?=.{3,512}$)/[!-.0-~]+(/[!-.0-~]+)*/",
    "names between slashes, such as /sluice/, at most 512 characters",
    "IAM API, CreateRole",
)
SECURITY_GROUP: Final = text(
    r"sg-[0-9a-f]{8,17}", "the id of a security group, such as sg-0a1b2c3d", "EC2 API, SecurityGroup"
)
MOST_SUBNETS: Final = 16
MOST_SECURITY_GROUPS: Final = 5
"""Lambda API, VpcConfig."""

SIGNING_PROFILE: Final = text(
    r"none|own|arn:aws[a-z-]*:signer:[a-z0-9-]+:\d{12}:/signing-profiles/[A-Za-z0-9_]{2,64}/[A-Za-z0-9]{10}",
    "none, own, or the ARN of a signing profile's version"
    " (arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME/VERSION)",
    "Signer API, PutSigningProfile",
)
RESERVED_CONCURRENCY: Final = whole(1, 100_000, "Lambda API, PutFunctionConcurrency; quotas are less")
DELETION_DAYS: Final = whole(7, 30, "KMS API, ScheduleKeyDeletion", unit="days")
