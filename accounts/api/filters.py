"""Filters that refuse what they cannot read, where django-filter would leave the list unfiltered."""

from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

BOOLEANS = {"true": True, "false": False}


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
