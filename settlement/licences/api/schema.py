from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class LicenceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names the licence token."""

    target_class = "settlement.licences.authentication.LicenceTokenAuthentication"
    name = "licenceToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A licence's token, for software: spl_<prefix>_<secret>.",
        }
