"""Google's external-account configuration, which a deployment writes into a function's environment."""

import msgspec

from sluice.errors import SettingsError

AWS_REQUEST_TYPE = "urn:ietf:params:aws:token-type:aws4_request"


class _Source(msgspec.Struct, frozen=True):
    environment_id: str
    regional_cred_verification_url: str


class Configuration(msgspec.Struct, frozen=True):
    """Google's external-account configuration, as far as an AWS role needs it; nothing in it is secret."""

    type: str
    audience: str
    subject_token_type: str
    token_url: str
    credential_source: _Source
    service_account_impersonation_url: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Configuration":
        """Read what a deployment wrote.

        Raises:
            SettingsError: it is something else; the text itself is not repeated.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise _unusable(" ".join(str(error).split())) from None
        if (found.type, found.subject_token_type) != ("external_account", AWS_REQUEST_TYPE):
            raise _unusable("it is not about an external account of AWS")
        if found.credential_source.environment_id != "aws1":
            raise _unusable("only environment_id aws1 is known")
        return found


def _unusable(why: str) -> SettingsError:
    return SettingsError(
        f"SLUICE_GOOGLE_CREDENTIALS is no AWS external-account configuration ({why}): deploy again, the "
        "deployment writes it"
    )
