from settlement.invoices.models.charge import Charge
from settlement.invoices.models.fapiao import FapiaoRequest
from settlement.invoices.models.invoice import Invoice, InvoiceItem, InvoiceLine, NumberSeries
from settlement.invoices.models.profile import InvoiceProfile

__all__ = [
    "Charge",
    "FapiaoRequest",
    "Invoice",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceProfile",
    "NumberSeries",
]
