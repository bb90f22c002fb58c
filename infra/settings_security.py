"""Settings of encryption, roles, the functions' network and code signing: see infra/settings.py."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from infra import limits, limits_adoption, limits_search, limits_security
from infra.settings_functions import Section, Whole, refusal

AWS: Final = "aws"
OWN: Final = "own"
NONE: Final = "none"


class EncryptionSettings(Section):
    """What encrypts everything that holds data: keys of AWS, a key of the program, or one that exists."""

    key: Annotated[str, limits_security.KEY] = AWS
    administrators: tuple[Annotated[str, limits_security.ADMINISTRATOR], ...] = ()
    rotation_days: Annotated[Whole, limits_security.ROTATION_DAYS] = 365
    deletion_days: Annotated[Whole, limits_security.DELETION_DAYS] = 30
    former_keys: tuple[Annotated[str, limits_adoption.KEY], ...] = ()

    @model_validator(mode="after")
    def _a_key_of_its_own_can_be_administered(self) -> Self:
        if self.administrators and self.key != OWN:
            words = "the policy of any other key is not written here"
            raise refusal("administrators", f"nothing unless key is {OWN}: {words}")
        return self

    @property
    def given(self) -> str | None:
        """The ARN of a key that exists, if one is named."""
        return None if self.key in {AWS, OWN} else self.key


class RoleSettings(Section):
    """What every IAM role of the program is held to."""

    permission_boundary_arn: Annotated[str | None, limits_security.BOUNDARY] = None
    path: Annotated[str | None, limits_security.ROLE_PATH] = None


class NetworkSettings(Section):
    """The private network that functions run in, if any."""

    subnet_ids: Annotated[
        tuple[Annotated[str, limits_search.SUBNET], ...], Field(max_length=limits_security.MOST_SUBNETS)
    ] = ()
    vpc_id: Annotated[str | None, limits_search.VPC] = None
    owner_account_id: Annotated[str | None, limits.ACCOUNT_ID] = None
    security_group_ids: Annotated[
        tuple[Annotated[str, limits_security.SECURITY_GROUP], ...],
        Field(max_length=limits_security.MOST_SECURITY_GROUPS),
    ] = ()

    @model_validator(mode="after")
    def _subnets_and_one_way_to_a_group(self) -> Self:
        if len(set(self.subnet_ids)) != len(self.subnet_ids):
            raise refusal("subnet_ids", "each subnet once")
        if not self.subnet_ids:
            if self.security_group_ids:
                raise refusal("security_group_ids", "nothing without subnet_ids")
            if self.vpc_id is not None:
                raise refusal("vpc_id", "nothing without subnet_ids")
        elif (self.vpc_id is None) == (not self.security_group_ids):
            words = "for a group that is made there, or security_group_ids, not both"
            raise refusal("vpc_id", f"the network of subnet_ids, {words}")
        return self


class CodeSigningSettings(Section):
    """Whether functions take signed code only, and who signs it."""

    profile: Annotated[str, limits_security.SIGNING_PROFILE] = NONE
    enforce: bool = True


def check_roles(roles: RoleSettings, *, account: str) -> None:
    """Refuse a boundary that IAM would not find; called by the whole of the settings."""
    boundary = roles.permission_boundary_arn
    if boundary is not None and boundary.split(":")[4] not in {account, "aws"}:
        raise refusal("roles.permission_boundary_arn", f"a policy of account {account}, or one of AWS's")


def check_code_signing(signing: CodeSigningSettings, *, region: str, account: str) -> None:
    """Refuse a profile of elsewhere; called by the whole of the settings.

    Signer must be told whose profile it is if it is another account's (Signer API, StartSigningJob:
    profileOwner), and Pulumi's provider cannot tell it.
    """
    if signing.profile in {NONE, OWN}:
        return
    _, _, _, in_region, in_account, _ = signing.profile.split(":", 5)
    if (in_region, in_account) != (region, account):
        words = "Signer works where its bucket is, and Pulumi's provider signs with profiles of the account"
        raise refusal("code_signing.profile", f"a profile in {region} of account {account}: {words}")


def check_producers(
    producers: Sequence[str], encryption: EncryptionSettings, *, account: str, adopted: bool
) -> None:
    """Refuse producers of other accounts where they could not write; called by the whole of the settings.

    What is encrypted by a key of AWS's own is closed to other accounts, since nobody can change the policy of
    that key (Kinesis developer guide, sharing access by resource policies: a customer managed key is needed).
    """
    if not producers:
        return
    if adopted:
        words = "the policy of a stream that exists is its owner's to write"
        raise refusal("stream.producers", f"nothing when adopt.stream names one: {words}")
    if encryption.key == AWS:
        words = "no other account can use AWS's own key, and nothing is written without it"
        raise refusal("stream.producers", f"nothing unless encryption.key is {OWN} or names a key: {words}")
    if any(each.split(":")[4] == account for each in producers):
        words = f"in account {account} itself IAM alone decides who writes"
        raise refusal("stream.producers", f"ARNs of other accounts: {words}")
    if len(set(producers)) != len(producers):
        raise refusal("stream.producers", "each of them once")


def check_encryption(encryption: EncryptionSettings, *, region: str, account: str) -> None:
    """Refuse a key of another region, and an administrator elsewhere; called by the whole of the settings."""
    if any(each.split(":")[4] != account for each in encryption.administrators):
        words = "IAM of that account decides about its own only"
        raise refusal("encryption.administrators", f"roles and users of account {account}: {words}")
    for name, keys in (("key", [encryption.given or ""]), ("former_keys", encryption.former_keys)):
        if any(key and key.split(":")[3] != region for key in keys):
            words = "streams, queues and tables only use a key of their own region"
            raise refusal(f"encryption.{name}", f"a key in {region}: {words}")
