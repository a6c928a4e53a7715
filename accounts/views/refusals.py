from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest

from accounts.errors import DomainError


@contextmanager
def tell_refusal(request: HttpRequest) -> Iterator[None]:
    """For a button without a form: a refusal becomes a message on the page that comes next."""
    try:
        yield
    except DomainError as refusal:
        messages.error(request, str(refusal))
