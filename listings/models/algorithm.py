from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from listings.models.accelerator import Accelerator


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
