"""Invoices and credit notes. Written once; the triggers that add them up are in migration 0002."""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from accounts.names import TwoNamed
from accounts.triggers import append_only, never_deleted
from settlement.contracts.models import Contract, SigningKey
from settlement.invoices.models.charge import Charge
from settlement.invoices.period import month_of
from settlement.ledger.models import Currency


@dataclass
class Names:
    """The platform's names, where an organisation's would be."""

    name_zh: str
    name_en: str


class NumberSeries(models.Model):
    """The last number given in a series and year; whoever takes the next one holds the row's lock."""

    series = models.CharField(max_length=3)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="number_series_once")]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.series} {self.year}"


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def of(self, organisation: Organisation) -> "InvoiceQuerySet":
        """An invoice is seen by its seller and its customer alone."""
        return self.filter(Q(customer=organisation) | Q(seller=organisation))


class Invoice(models.Model):
    """What a seller charges a customer, or, where it `corrects` an invoice, credits: amounts are positive.

    Without a seller, the platform sells. `contract` is set where it covers one contract alone.
    """

    class Kind(models.TextChoices):
        SUPPLY = "supply", _("Compute and licences")
        FEE = "fee", _("Platform fee")

    class Series(models.TextChoices):
        INVOICE = "INV", _("Invoice")
        FEE = "FEE", _("Fee invoice")
        CREDIT_NOTE = "CN", _("Credit note")

    series = models.CharField(_("document"), max_length=3, choices=Series)
    year = models.PositiveSmallIntegerField()
    serial = models.PositiveIntegerField()
    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(pgettext_lazy("invoice", "for"), max_length=10, choices=Kind)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="credit_notes", verbose_name=_("corrects")
    )
    seller = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="invoices_sold"
    )
    customer = models.ForeignKey(Organisation, models.PROTECT, related_name="invoices_received")
    contract = models.ForeignKey(Contract, models.PROTECT, null=True, blank=True, related_name="own_invoices")
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until"))
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.CNY)
    gross = models.BigIntegerField(_("total (fen)"))
    net = models.BigIntegerField(_("without VAT (fen)"))
    tax = models.BigIntegerField(_("VAT (fen)"))
    issued_at = models.DateTimeField(pgettext_lazy("invoice", "issued"))
    document = models.TextField()
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    signed_with = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", to_field="kid")
    signature = models.CharField(max_length=86)

    objects: ClassVar = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("invoice"), _("invoices")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "year", "serial"], name="invoice_number_once"),
            models.CheckConstraint(
                name="invoice_adds_up",
                condition=Q(net__gte=0, tax__gte=0, gross__gt=0, gross=F("net") + F("tax")),
            ),
            models.CheckConstraint(
                name="invoice_series_says_what_it_is",
                condition=Q(series="CN", corrects__isnull=False)
                | Q(series="INV", kind="supply", corrects__isnull=True)
                | Q(series="FEE", kind="fee", corrects__isnull=True),
            ),
            models.CheckConstraint(
                name="invoice_platform_sells_its_fee",
                condition=Q(kind="fee", seller__isnull=True) | Q(kind="supply", seller__isnull=False),
            ),
            models.CheckConstraint(name="invoice_period", condition=Q(period_end__gt=F("period_start"))),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="invoice_by_customer"),
            models.Index(fields=["seller", "-id"], name="invoice_by_seller"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return self.number

    @property
    def is_credit_note(self) -> bool:
        return self.series == self.Series.CREDIT_NOTE

    @property
    def month(self) -> datetime.date:
        """The month that it covers, where it covers one: its period begins with it."""
        return month_of(self.period_start)

    @property
    def seller_names(self) -> TwoNamed:
        if self.seller is not None:
            return self.seller
        return Names(settings.INVOICE_ISSUER["name_zh"], settings.INVOICE_ISSUER["name_en"])


class InvoiceLine(models.Model):
    """One contract's part at one rate; on a credit note, what it takes back of one line of the invoice."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="invoice_lines")
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credits")
    vat_basis_points = models.PositiveIntegerField(_("VAT (basis points)"))
    gross = models.BigIntegerField(_("total (fen)"))
    net = models.BigIntegerField(_("without VAT (fen)"))
    tax = models.BigIntegerField(_("VAT (fen)"))

    class Meta:
        ordering = ["invoice", "position"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_in_its_place"),
            models.CheckConstraint(
                name="invoice_line_adds_up",
                condition=Q(net__gte=0, tax__gte=0, gross__gt=0, gross=F("net") + F("tax")),
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.invoice} {self.position}"

    @property
    def vat_ratio(self) -> Decimal:
        return Decimal(self.vat_basis_points).scaleb(-4)


class InvoiceItem(models.Model):
    """A charge, or a part of one, in a line. The unique key is why nothing is invoiced twice."""

    line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="items")
    kind = models.CharField(max_length=10, choices=Invoice.Kind)
    charge = models.ForeignKey(Charge, models.PROTECT, related_name="items", db_index=False)
    part = models.PositiveSmallIntegerField(default=0)
    amount = models.BigIntegerField(_("amount (fen)"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["charge", "kind", "part"], name="charge_invoiced_once"),
            models.CheckConstraint(name="invoice_item_is_something", condition=~Q(amount=0)),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.line}: {self.amount:+}"
