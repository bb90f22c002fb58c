"""How code reaches Lambda: as it is, or signed by AWS Signer, so that Lambda takes nothing else."""

from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.bucket import bucket, tidied
from infra.environment import Environment, Signing
from infra.settings_security import OWN

_PLATFORM: Final = "AWSLambda-SHA384-ECDSA"
_UNSIGNED: Final = "unsigned/"
_SIGNED: Final = "signed/"


class CodeSigning(pulumi.ComponentResource):
    """A bucket for code before and after it is signed, the profile that signs, and what Lambda checks.

    The bucket keeps versions, since a signing job names the one that it signs (Signer developer guide, sign
    AWS Lambda code, read 2026-11).
    """

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:CodeSigning", name, None, env.component)
        settings, inside = env.settings.code_signing, env.within(self)
        code = bucket(
            f"{name}-bucket",
            env,
            self,
            called=env.names.code_bucket,
            # Lambda has its own copy of the code, and the next deployment makes the packages again.
            kept=False,
            rules=[
                *tidied({}, abandoned_days=1),
                {
                    "id": "forget-unsigned-versions",
                    "status": "Enabled",
                    "filter": {"prefix": _UNSIGNED},
                    "noncurrent_version_expiration": {"noncurrent_days": 30},
                },
            ],
        )
        versions = aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=code.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=inside,
        )
        profile, version_arn = self._profile(name, env)
        config = aws.lambda_.CodeSigningConfig(
            f"{name}-config",
            description=f"Code of {env.names.prefix}",
            allowed_publishers={"signing_profile_version_arns": [version_arn]},
            policies={"untrusted_artifact_on_deployment": "Enforce" if settings.enforce else "Warn"},
            opts=inside,
        )
        self.signing = Signing(bucket=code.bucket, profile=profile, config_arn=config.arn, ready=versions)
        self.register_outputs({"bucket": code.bucket, "profile": profile})

    def _profile(self, name: str, env: Environment) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
        """Name the profile that signs, and the version of it that is trusted.

        A cancelled profile keeps its name for years: two (Signer developer guide, using the console), or
        until half a year after its last signature has expired (the same, signing profiles; both read
        2026-11). So that of the program gets a new one whenever it is made.
        """
        settings = env.settings.code_signing
        if settings.profile != OWN:
            return settings.profile.split("/")[-2], settings.profile
        profile = aws.signer.SigningProfile(
            f"{name}-profile",
            name_prefix=f"{env.names.prefix.replace('-', '_')}_",
            platform_id=_PLATFORM,
            opts=env.within(self),
        )
        return profile.name, profile.version_arn


def uploaded(
    name: str, env: Environment, parent: pulumi.Resource, archive: pulumi.Archive, *, folder: str
) -> dict[str, Any]:
    """Return where a function's code comes from, as arguments of it; signed, if code is signed here.

    Other code is another version of an object, so another signing job, whose result has a key of its own:
    that is how Lambda hears of it.
    """
    signing = env.signing
    if signing is None:
        return {"code": archive}
    unsigned = aws.s3.BucketObjectv2(
        f"{name}-code",
        bucket=signing.bucket,
        key=f"{_UNSIGNED}{folder}/{name}.zip",
        source=archive,
        # An object takes ten tags (S3 API, PutObjectTagging); the settings may have more for everything else.
        override_provider={"default_tags": {"tags": {}}},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[signing.ready]),
    )
    job = aws.signer.SigningJob(
        f"{name}-signing",
        profile_name=signing.profile,
        source={"s3": {"bucket": signing.bucket, "key": unsigned.key, "version": unsigned.version_id}},
        destination={"s3": {"bucket": signing.bucket, "prefix": f"{_SIGNED}{folder}/"}},
        opts=env.within(parent),
    )
    return {
        "s3_bucket": signing.bucket,
        "s3_key": job.signed_objects.apply(_key),
        "code_signing_config_arn": signing.config_arn,
    }


def _key(signed: Any) -> str:
    """Return the key of a job's one result."""
    return str(signed[0].s3s[0].key)
