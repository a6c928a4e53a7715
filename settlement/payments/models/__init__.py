from settlement.payments.models.bank_line import BankLine

__all__ = ["BankLine"]
