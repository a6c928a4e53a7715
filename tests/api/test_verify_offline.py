"""A partner verifies a contract and an invoice with what the API alone gives, and none of our code."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client

from accounts.models import Organisation
from settlement.contracts.models import Contract
from tests.api.conftest import Caller
from tests.api.test_whose_rows import invoiced
from tests.factories.listings import CapacityFactory, hour
from tests.factories.trading import bid, cleared_round, fund

pytestmark = pytest.mark.django_db


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(shown: dict[str, Any], words: str) -> None:
    """Raises InvalidSignature."""
    keys = {key["kid"]: key for key in Client().get("/api/v1/keys").json()["keys"]}
    key = Ed25519PublicKey.from_public_bytes(decoded(keys[shown["signed_with"]]["x"]))
    key.verify(decoded(shown["signature"]), f"{words} {shown['sha256']}".encode())


def test_a_contract(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    fund(buyer, 1_000_000)
    CapacityFactory(units=8, reserve_price=1000, ends_at=hour(24))
    bid(buyer)
    cleared_round()
    program = caller(buyer)
    number = Contract.objects.get(buyer=buyer).number
    shown = program.get(f"contracts/{number}").json()
    document = program.get(f"contracts/{number}/document").content
    assert hashlib.sha256(document).hexdigest() == shown["sha256"]
    verify(shown, "suanpan contract")
    with pytest.raises(InvalidSignature):
        verify(shown, "suanpan invoice")


def test_an_invoice(buyer: Organisation, caller: Callable[..., Caller]) -> None:
    shown = caller(buyer).get(f"invoices/{invoiced(buyer).number}").json()
    verify(shown, "suanpan invoice")
    with pytest.raises(InvalidSignature):
        verify(shown | {"sha256": "0" * 64}, "suanpan invoice")
