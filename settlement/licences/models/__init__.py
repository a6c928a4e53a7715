"""A licence, the seats and tokens it gives, and what was metered and downloaded under it."""

from settlement.licences.models.download import Download
from settlement.licences.models.licence import Licence, LicenceEvent, Standing
from settlement.licences.models.metered import MeteredCalls
from settlement.licences.models.seat import Activation
from settlement.licences.models.token import LicenceToken

__all__ = [
    "Activation",
    "Download",
    "Licence",
    "LicenceEvent",
    "LicenceToken",
    "MeteredCalls",
    "Standing",
]
