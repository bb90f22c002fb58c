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
ROTATION_DAYS: Final = whole(90, 2560, "KMS API, EnableKeyRotation", unit="days")
DELETION_DAYS: Final = whole(7, 30, "KMS API, ScheduleKeyDeletion", unit="days")
