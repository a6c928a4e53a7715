from settlement.vouchers.models.affiliation import Affiliation
from settlement.vouchers.models.application import Application, ApplicationFile
from settlement.vouchers.models.programme import Issuer, Programme, ProgrammeAccelerator, ProgrammeTier
from settlement.vouchers.models.voucher import Voucher, VoucherUse

__all__ = [
    "Affiliation",
    "Application",
    "ApplicationFile",
    "Issuer",
    "Programme",
    "ProgrammeAccelerator",
    "ProgrammeTier",
    "Voucher",
    "VoucherUse",
]
