"""Form fields that several of settlement's packages use."""

from collections.abc import Sequence
from typing import Any

from django import forms

from settlement.evidence import FORMATS


def set_choices(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    """For a field whose choices depend on what the form is about."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, or none; what they may be is checked where they are taken in."""

    def __init__(self, **kwargs: Any) -> None:
        widget = ManyFiles(attrs={"accept": ",".join(FORMATS), "multiple": True})
        super().__init__(widget=widget, required=False, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(FilesField, self).clean(each, initial) for each in data or []]
