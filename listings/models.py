"""What is traded: facilities, accelerators, pools and capacity; algorithms, versions and licence plans."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Jurisdiction, Organisation, User
from listings import triggers


class Accelerator(models.Model):
    """A model of accelerator in the catalogue, loaded from `listings/data/accelerators.json`."""

    slug = models.SlugField(unique=True)
    vendor = models.CharField(_("vendor"), max_length=60)
    name = models.CharField(_("model"), max_length=60)
    domestic = models.BooleanField(_("domestic"))
    # Null: the vendor publishes none and reports disagree. `sources` says so.
    memory_gb = models.PositiveIntegerField(_("memory (GB)"), null=True, blank=True)
    fp16_tflops = models.DecimalField(
        _("dense FP16 TFLOPS"), max_digits=7, decimal_places=1, null=True, blank=True
    )
    interconnect = models.CharField(_("interconnect"), max_length=60, blank=True)
    stacks = ArrayField(models.CharField(max_length=30), verbose_name=_("software stacks"))
    sources = models.JSONField(_("sources"))

    class Meta:
        ordering = ["vendor", "name"]

    def __str__(self) -> str:
        return f"{self.vendor} {self.name}"

    @property
    def vouched_for(self) -> bool:
        """Whether its vendor publishes every figure given here."""
        return all(source["by"] == "vendor" for source in self.sources)


class Hub(models.TextChoices):
    """The eight national hubs of "Eastern Data, Western Computing"."""

    BEIJING = "beijing", _("Beijing-Tianjin-Hebei")
    YANGTZE = "yangtze", _("Yangtze River Delta")
    GREATER_BAY = "greater_bay", _("Guangdong-Hong Kong-Macao Greater Bay Area")
    CHENGDU_CHONGQING = "chengdu_chongqing", _("Chengdu-Chongqing")
    INNER_MONGOLIA = "inner_mongolia", _("Inner Mongolia")
    GUIZHOU = "guizhou", _("Guizhou")
    GANSU = "gansu", _("Gansu")
    NINGXIA = "ningxia", _("Ningxia")


class Facility(models.Model):
    """A place that houses accelerators."""

    class Kind(models.TextChoices):
        INTELLIGENT = "intelligent", _("Intelligent-computing centre")
        SUPERCOMPUTING = "supercomputing", _("Supercomputing centre")
        DATA_CENTRE = "data_centre", _("Data centre")

    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="facilities")
    name_zh = models.CharField(_("name in Chinese"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    city = models.CharField(_("city"), max_length=60)
    hub = models.CharField(_("national hub"), max_length=20, choices=Hub, blank=True)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, choices=Jurisdiction)
    pue = models.DecimalField(
        "PUE", max_digits=4, decimal_places=2, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    green_percent = models.PositiveSmallIntegerField(
        _("green power (%)"), validators=[MaxValueValidator(100)]
    )
    illustrative = models.BooleanField(_("illustrative"), default=False)

    class Meta:
        verbose_name_plural = "facilities"
        ordering = ["name_en"]
        constraints = [
            models.UniqueConstraint(
                "provider",
                "name_en",
                name="facility_named_once",
                violation_error_message=_("Your organisation has a facility of this name already."),
            ),
            models.CheckConstraint(name="facility_pue", condition=Q(pue__gte=1, pue__lte=3)),
            models.CheckConstraint(name="facility_green_percent", condition=Q(green_percent__lte=100)),
        ]

    def __str__(self) -> str:
        return self.name_en


class Pool(models.Model):
    """The units of one accelerator at one facility: interchangeable, so they share one price a slot."""

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="pools")
    accelerator = models.ForeignKey(Accelerator, models.PROTECT, related_name="pools")
    units = models.PositiveIntegerField(_("units"), validators=[MinValueValidator(1)])
    # `units` binds from this slot on: a pool that has shrunk once had more. Null: always.
    units_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["facility__name_en", "accelerator__name"]
        triggers = [triggers.POOL_KEEPS_WHAT_IT_COMMITTED]
        constraints = [
            models.UniqueConstraint(
                "facility",
                "accelerator",
                name="pool_once",
                violation_error_message=_(
                    "This facility has a pool of this accelerator already. Change its units instead."
                ),
            ),
            models.CheckConstraint(name="pool_has_units", condition=Q(units__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.facility} · {self.accelerator}"


class OnTheHour(models.Func):
    """A time cut down to its slot. UTC is named because the session's zone may not be on the hour."""

    function = "date_trunc"
    template = "%(function)s('hour', %(expressions)s, 'UTC')"
    output_field = models.DateTimeField()


class CapacityQuerySet(models.QuerySet["Capacity"]):
    def active(self) -> "CapacityQuerySet":
        return self.filter(status=Capacity.Status.ACTIVE)


class Capacity(models.Model):
    """A provider's offer of units of a pool over a period. What is left of each hour is in CapacityHour."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="capacities")
    units = models.PositiveIntegerField(_("units"), validators=[MinValueValidator(1)])
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reserve_price = models.PositiveBigIntegerField(
        _("reserve price (fen per unit-hour)"), validators=[MinValueValidator(1)]
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    status_since = models.DateTimeField(_("status since"))
    # From the gate of a round until the round is settled its capacities may not change under it.
    frozen = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    objects: ClassVar = CapacityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "capacities"
        constraints = [
            models.CheckConstraint(name="capacity_has_units", condition=Q(units__gt=0)),
            models.CheckConstraint(name="capacity_has_a_price", condition=Q(reserve_price__gt=0)),
            models.CheckConstraint(
                name="capacity_period",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("A period ends after it begins."),
            ),
            models.CheckConstraint(
                name="capacity_on_the_hour",
                condition=Q(starts_at=OnTheHour("starts_at"), ends_at=OnTheHour("ends_at")),
            ),
        ]
        indexes = [models.Index(fields=["frozen"], condition=Q(frozen=True), name="capacity_frozen")]
        triggers = [
            triggers.RESUMED_CAPACITY_FITS,
            pgtrigger.ReadOnly(name="stays_in_its_pool", fields=["pool"]),
        ]

    def __str__(self) -> str:
        return f"{self.pool}: {self.units}"


class CapacityHour(models.Model):
    """One slot of a capacity: the database refuses to sell more units than it offers."""

    capacity = models.ForeignKey(Capacity, models.PROTECT, related_name="hours")
    slot = models.DateTimeField()
    units = models.PositiveIntegerField()
    sold = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("capacity", "slot", name="capacity_hour_once"),
            models.CheckConstraint(name="capacity_hour_never_oversold", condition=Q(sold__lte=F("units"))),
            models.CheckConstraint(name="capacity_hour_on_the_hour", condition=Q(slot=OnTheHour("slot"))),
        ]
        indexes = [models.Index(fields=["slot"])]
        triggers = [
            triggers.LISTED_HOURS_FIT,
            triggers.GROWN_HOURS_FIT,
            triggers.ONLY_ACTIVE_CAPACITY_SELLS,
            triggers.SOLD_HOURS_STAY,
            pgtrigger.ReadOnly(name="stays_in_its_slot", fields=["capacity", "slot"]),
        ]

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M} {self.sold}/{self.units}"


class Task(models.TextChoices):
    """What an algorithm does, in the words of the Hugging Face Hub's tasks where it has them."""

    TEXT_GENERATION = "text-generation", _("Text generation")
    EMBEDDING = "feature-extraction", _("Embedding")
    TRANSLATION = "translation", _("Translation")
    CODE_GENERATION = "code-generation", _("Code generation")
    SPEECH_RECOGNITION = "automatic-speech-recognition", _("Speech recognition")
    SPEECH_SYNTHESIS = "text-to-speech", _("Speech synthesis")
    IMAGE_GENERATION = "text-to-image", _("Image generation")
    IMAGE_CLASSIFICATION = "image-classification", _("Image classification")
    OBJECT_DETECTION = "object-detection", _("Object detection")
    SEGMENTATION = "image-segmentation", _("Image segmentation")
    DOCUMENT_UNDERSTANDING = "document-question-answering", _("Document understanding")
    VISUAL_QUESTION_ANSWERING = "visual-question-answering", _("Visual question answering")
    VIDEO_UNDERSTANDING = "video-classification", _("Video understanding")
    FORECASTING = "time-series-forecasting", _("Forecasting")
    ANOMALY_DETECTION = "anomaly-detection", _("Anomaly detection")
    RECOMMENDATION = "recommendation", _("Recommendation")
    OPTIMISATION = "optimisation", _("Optimisation and scheduling")
    SCIENCE = "science", _("Scientific computing")
    OTHER = "other", _("Other")


class Modality(models.TextChoices):
    TEXT = "text", _("Text")
    IMAGE = "image", _("Image")
    AUDIO = "audio", _("Audio")
    VIDEO = "video", _("Video")
    MULTIMODAL = "multimodal", _("Multimodal")
    TABULAR = "tabular", _("Tables")
    TIME_SERIES = "time_series", _("Time series")
    GRAPH = "graph", _("Graph")
    OTHER = "other", _("Other")


class DataClass(models.TextChoices):
    """The law's class of the data in an algorithm's artefacts; `listings.circulation` has the rules."""

    GENERAL = "general", _("General data")
    PERSONAL = "personal", _("Personal information")
    IMPORTANT = "important", _("Important data")
    CORE = "core", _("Core data")


class Algorithm(models.Model):
    """A model or algorithm that a publisher licenses."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LISTED = "listed", _("Listed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    publisher = models.ForeignKey(Organisation, models.PROTECT, related_name="algorithms")
    slug = models.SlugField(unique=True)
    name_zh = models.CharField(_("name in Chinese"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    task = models.CharField(_("task"), max_length=60, choices=Task)
    modality = models.CharField(_("modality"), max_length=60, choices=Modality)
    card = models.TextField(_("model card (Markdown)"), blank=True)
    filing_number = models.CharField(_("regulator's filing number"), max_length=60, blank=True)
    data_class = models.CharField(
        _("data class"), max_length=10, choices=DataClass, default=DataClass.GENERAL
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name_en"]

    def __str__(self) -> str:
        return self.name_en


class AlgorithmVersion(models.Model):
    """One release of an algorithm: a file kept here, or a reference to where it is kept."""

    algorithm = models.ForeignKey(Algorithm, models.PROTECT, related_name="versions")
    number = models.CharField(_("version"), max_length=40)
    file = models.FileField(_("file"), upload_to="algorithms/", blank=True)
    reference = models.URLField(_("reference"), blank=True)
    sha256 = models.CharField(
        "SHA-256", max_length=64, validators=[RegexValidator(r"^[0-9a-f]{64}$", _("64 hexadecimal digits."))]
    )
    size_bytes = models.PositiveBigIntegerField(_("size (bytes)"))
    stacks = ArrayField(models.CharField(max_length=30), verbose_name=_("software stacks"))
    accelerators = models.ManyToManyField(Accelerator, verbose_name=_("accelerators"), blank=True)
    released_at = models.DateTimeField(_("released"))

    class Meta:
        ordering = ["-released_at"]
        constraints = [
            models.UniqueConstraint(
                "algorithm",
                "number",
                name="version_once",
                violation_error_message=_("This algorithm has a version of this number already."),
            ),
            models.CheckConstraint(
                name="version_is_a_file_or_a_reference",
                condition=(Q(file="") & ~Q(reference="")) | (~Q(file="") & Q(reference="")),
            ),
            models.CheckConstraint(name="version_sha256", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.number}"


class LicencePlan(models.Model):
    """The terms under which an algorithm is licensed. `supply` counts its seats; null: unlimited."""

    class Kind(models.TextChoices):
        PERPETUAL = "perpetual", _("Perpetual")
        TERM = "term", _("Term")
        PER_CALL = "per_call", _("Per call")

    class Binding(models.TextChoices):
        FLOATING = "floating", _("Floating")
        NODE_LOCKED = "node_locked", _("Node-locked")

    class Territory(models.TextChoices):
        MAINLAND = "mainland", _("Mainland China")
        GREATER_BAY = "greater_bay", _("Greater Bay Area")
        WORLD = "world", _("Worldwide")

    class Status(models.TextChoices):
        LISTED = "listed", _("Listed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    algorithm = models.ForeignKey(Algorithm, models.PROTECT, related_name="plans")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    term_days = models.PositiveIntegerField(_("term (days)"), null=True, blank=True)
    calls = models.PositiveBigIntegerField(_("calls included"), null=True, blank=True)
    binding = models.CharField(_("seat binding"), max_length=12, choices=Binding, default=Binding.FLOATING)
    territory = models.CharField(_("territory"), max_length=20, choices=Territory)
    commercial = models.BooleanField(_("commercial use"))
    derivatives = models.BooleanField(_("derivatives"))
    price = models.PositiveBigIntegerField(_("price (fen per seat)"), validators=[MinValueValidator(1)])
    supply = models.PositiveIntegerField(
        _("seats on offer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    sold = models.PositiveIntegerField(default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.LISTED)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["price"]
        constraints = [
            models.CheckConstraint(name="plan_has_a_price", condition=Q(price__gt=0)),
            models.UniqueConstraint(
                "algorithm",
                "name",
                name="plan_named_once",
                violation_error_message=_("This algorithm has a plan of this name already."),
            ),
            models.CheckConstraint(
                name="plan_never_oversold", condition=Q(supply__isnull=True) | Q(sold__lte=F("supply"))
            ),
            models.CheckConstraint(
                name="plan_term_has_days",
                condition=~Q(kind="term") | Q(term_days__gt=0, term_days__isnull=False),
                violation_error_message=_("Say how many days a term licence lasts."),
            ),
            models.CheckConstraint(
                name="plan_per_call_has_calls",
                condition=~Q(kind="per_call") | Q(calls__gt=0, calls__isnull=False),
                violation_error_message=_("Say how many calls a per-call licence includes."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm}: {self.name}"
