"""Where Pulumi keeps what it knows of every environment: a bucket with versions, and a key."""

import json
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from bootstrap.account import Account
from bootstrap.place import Place
from infra.policy import VERSION, deny_without_tls, document

_KEY_ADMINISTRATION: Final = (
    "CancelKeyDeletion CreateAlias CreateGrant Decrypt DeleteAlias DescribeKey DisableKey "
    "DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey GetKeyPolicy "
    "GetKeyRotationStatus ListGrants ListKeyPolicies ListKeyRotations ListResourceTags "
    "PutKeyPolicy RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource "
    "UpdateAlias UpdateKeyDescription"
)
_NEWEST_VERSIONS: Final = 20
"""Replaced versions that are kept however old they are: a state that nobody touches can be had back too."""


class State(pulumi.ComponentResource):
    """A bucket, closed, encrypted and with versions; each environment lies below its own name."""

    def __init__(self, name: str, account: Account) -> None:
        super().__init__("sluice:bootstrap:State", name, None, account.component)
        self._account = account
        kept = pulumi.ResourceOptions(parent=self, protect=True)
        within = pulumi.ResourceOptions(parent=self)
        self.key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts the state of {account.project} and secrets in it",
            policy=json.dumps({"Version": VERSION, "Statement": [_iam_decides(account)]}),
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=kept,
        )
        self.alias = aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{account.project.lower()}-state",
            target_key_id=self.key.key_id,
            opts=within,
        )
        bucket = aws.s3.Bucket(f"{name}-bucket", bucket=account.bucket, force_destroy=False, opts=kept)
        self.bucket = bucket.bucket
        self.bucket_arn = bucket.arn
        aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=within,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": self.key.arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=within,
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-closed",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=within,
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=document([deny_without_tls("s3:*", bucket.arn, pulumi.Output.concat(bucket.arn, "/*"))]),
            opts=within,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "replaced",
                    "status": "Enabled",
                    "filter": {},
                    "noncurrent_version_expiration": {
                        "noncurrent_days": account.settings.state_days,
                        "newer_noncurrent_versions": _NEWEST_VERSIONS,
                    },
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            opts=within,
        )
        self.register_outputs({"bucket": self.bucket})

    def url(self, place: Place) -> str:
        """Name where an environment's state lies, for `pulumi login`."""
        return f"s3://{self._account.bucket}/{place.stack}?region={self._account.region}"

    @property
    def secrets_provider(self) -> str:
        """Name what encrypts secrets in the state, for `pulumi stack init`."""
        alias = f"alias/{self._account.project.lower()}-state"
        return f"awskms://{alias}?region={self._account.region}"

    def statements(self, place: Place, *, change: bool) -> list[dict[str, Any]]:
        """Let somebody read, or write too, one environment's state.

        Names of all objects may be listed: S3 answers that a key is not there only to who may list the
        bucket as a whole, and Pulumi asks for what is not there yet (S3 API, GetObject).
        """
        objects = ["s3:GetObject", *(["s3:DeleteObject", "s3:PutObject"] if change else [])]
        keys = ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if change else [])]
        below = pulumi.Output.concat(self.bucket_arn, f"/{place.stack}/*")
        return [
            {"Sid": "State", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [self.bucket_arn]},
            {"Sid": "StateOfIt", "Effect": "Allow", "Action": objects, "Resource": [below]},
            {"Sid": "SecretsInIt", "Effect": "Allow", "Action": keys, "Resource": [self.key.arn]},
        ]


def _iam_decides(account: Account) -> dict[str, Any]:
    """Leave the key to IAM: it outlives whoever set it up (KMS developer guide, default key policy)."""
    return {
        "Sid": "LeaveToIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{account.partition}:iam::{account.number}:root"},
        "Action": [f"kms:{each}" for each in _KEY_ADMINISTRATION.split()],
        "Resource": "*",
    }
