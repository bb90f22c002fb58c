"""Settings of encryption: see infra/settings.py."""

from typing import Annotated, Final, Self

from pydantic import model_validator

from infra import limits_security
from infra.settings_functions import Section, Whole, refusal

AWS: Final = "aws"
OWN: Final = "own"


class EncryptionSettings(Section):
    """What encrypts everything that holds data: keys of AWS, a key of the program, or one that exists."""

    key: Annotated[str, limits_security.KEY] = AWS
    administrators: tuple[Annotated[str, limits_security.ADMINISTRATOR], ...] = ()
    rotation_days: Annotated[Whole, limits_security.ROTATION_DAYS] = 365
    deletion_days: Annotated[Whole, limits_security.DELETION_DAYS] = 30

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


def check_encryption(encryption: EncryptionSettings, *, region: str) -> None:
    """Refuse a key of another region; called by the whole of the settings."""
    if encryption.given is not None and encryption.given.split(":")[3] != region:
        words = "streams, queues and tables only use a key of their own region"
        raise refusal("encryption.key", f"a key in {region}: {words}")
