from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation


class InvoiceProfile(models.Model):
    """What stands on an organisation's invoices, as seller and as customer, in the fapiao's terms."""

    class Kind(models.TextChoices):
        SPECIAL = "special", _("Special VAT fapiao")
        ORDINARY = "ordinary", _("Ordinary VAT fapiao")

    class Cycle(models.TextChoices):
        MONTHLY = "monthly", _("Every month, over all contracts")
        CONTRACT = "contract", _("For each contract, when it ends")

    organisation = models.OneToOneField(Organisation, models.PROTECT, related_name="invoice_profile")
    title = models.CharField(_("invoice title"), max_length=200)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    kind = models.CharField(_("kind of fapiao"), max_length=10, choices=Kind, default=Kind.ORDINARY)
    address = models.CharField(_("registered address"), max_length=200, blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    bank = models.CharField(_("bank"), max_length=100, blank=True)
    bank_account = models.CharField(_("bank account"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail for invoices"), blank=True)
    cycle = models.CharField(_("invoices are issued"), max_length=10, choices=Cycle, default=Cycle.MONTHLY)

    class Meta:
        verbose_name, verbose_name_plural = _("invoice profile"), _("invoice profiles")
        constraints = [
            models.CheckConstraint(
                name="special_fapiao_has_all_fields",
                condition=~Q(kind="special")
                | ~(Q(tax_number="") | Q(address="") | Q(phone="") | Q(bank="") | Q(bank_account="")),
            )
        ]

    def __str__(self) -> str:
        return self.title
