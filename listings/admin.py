from django.contrib import admin

from accounts.admin_site import ReadOnlyAdmin
from listings.models import Accelerator, Algorithm, AlgorithmVersion, Capacity, Facility, LicencePlan, Pool


@admin.register(Accelerator)
class AcceleratorAdmin(ReadOnlyAdmin):
    list_display = ["vendor", "name", "domestic", "memory_gb", "fp16_tflops", "interconnect"]
    list_filter = ["domestic", "vendor"]


@admin.register(Facility)
class FacilityAdmin(ReadOnlyAdmin):
    list_display = ["name_en", "provider", "kind", "city", "hub", "jurisdiction", "illustrative"]
    list_filter = ["kind", "hub", "jurisdiction"]
    list_select_related = ["provider"]
    search_fields = ["name_en", "name_zh", "city"]


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    list_display = ["facility", "accelerator", "units", "units_since"]
    list_select_related = ["facility", "accelerator"]


@admin.register(Capacity)
class CapacityAdmin(ReadOnlyAdmin):
    list_display = ["pool", "units", "starts_at", "ends_at", "reserve_price", "status", "frozen"]
    list_filter = ["status", "frozen"]
    list_select_related = ["pool__facility", "pool__accelerator"]


@admin.register(Algorithm)
class AlgorithmAdmin(ReadOnlyAdmin):
    list_display = ["name_en", "publisher", "task", "modality", "filing_number", "status"]
    list_filter = ["status", "task", "modality"]
    list_select_related = ["publisher"]


@admin.register(AlgorithmVersion)
class AlgorithmVersionAdmin(ReadOnlyAdmin):
    list_display = ["algorithm", "number", "sha256", "size_bytes", "released_at"]
    list_select_related = ["algorithm"]


@admin.register(LicencePlan)
class LicencePlanAdmin(ReadOnlyAdmin):
    list_display = ["algorithm", "name", "kind", "price", "supply", "sold", "status"]
    list_filter = ["kind", "status"]
    list_select_related = ["algorithm"]
