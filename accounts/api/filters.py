"""Filters that refuse what they cannot read, where django-filter would leave the list unfiltered."""

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

BOOLEANS = {"true": True, "false": False}


class FilterBackend(DjangoFilterBackend):
    """django-filter's own, that refuses a filter without a value: `status=` would be every status."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filters = self.get_filterset(request, queryset, view)
        names = filters.filters if filters else {}
        empty = [name for name in names if request.query_params.get(name) == ""]
        if empty:
            sentence = _("Say a value, or leave the parameter out.")
            raise ValidationError({name: [sentence] for name in empty})
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class TrueOrFalseField(forms.CharField):
    def to_python(self, value: Any) -> bool | None:
        text = super().to_python(value)
        if not text:
            return None
        if text.lower() not in BOOLEANS:
            raise forms.ValidationError(_("Say true or false."))
        return BOOLEANS[text.lower()]


class TrueOrFalseFilter(django_filters.BooleanFilter):
    field_class = TrueOrFalseField


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField
