"""What the platform signs can be proved for ever, by keys that rotate; nothing else can."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import ProgrammingError, transaction

from settlement.canonical import sha256_of_text
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.contracts.signing import Signature, SigningKey, sign, verify
from tests.factories.listings import PoolFactory
from tests.factories.settlement import compute_draft
from tests.settlement.triggers import drop_trigger

pytestmark = pytest.mark.django_db
OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture(autouse=True)
def keys(settings):
    settings.SIGNING_KEYS = [OLD]


@pytest.fixture
def contract(buyer, provider, fund, now):
    fund(buyer, 10_000)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    return opened


def test_only_the_very_bytes_verify_and_only_under_their_key():
    signature = sign(b"a contract")
    assert verify(b"a contract", signature)
    assert not verify(b"another contract", signature)
    assert not verify(b"a contract", Signature("0" * 16, signature.value))
    assert not verify(b"a contract", Signature(signature.kid, "AAAA"))
    assert not verify(b"a contract", Signature(signature.kid, ""))


def test_a_rotated_key_signs_no_more_but_still_verifies(settings):
    before = sign(b"old")
    settings.SIGNING_KEYS = [OLD, NEW]
    call_command("rotate_signing_key")
    after = sign(b"new")
    assert before.kid != after.kid
    assert verify(b"old", before)
    assert verify(b"new", after)
    settings.SIGNING_KEYS = [OLD]
    with pytest.raises(ImproperlyConfigured, match="retired"):
        sign(b"once more")


@pytest.mark.parametrize("keys", [[], ["not base64!"], [base64.b64encode(b"short").decode()]])
def test_without_a_sound_key_nothing_is_signed(settings, keys):
    settings.SIGNING_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        sign(b"a contract")


def test_a_published_key_is_never_changed_nor_deleted():
    sign(b"a contract")
    for change in (lambda keys: keys.delete(), lambda keys: keys.update(public_key="another")):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change(SigningKey.objects.all())


def test_a_contract_is_proved_offline_with_the_published_key(client, contract):
    keys = client.get("/.well-known/suanpan-keys.json").json()["keys"]
    [key] = [each for each in keys if each["kid"] == contract.signed_with_id]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    sha256 = sha256_of_text(contract.document)
    public.verify(base64.urlsafe_b64decode(contract.signature + "=="), f"suanpan contract {sha256}".encode())


def test_anybody_may_verify_and_learns_no_term(client, contract):
    page = client.get(f"/verify/{contract.sha256}/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "stands as it was signed" in text
    terms = json.loads(contract.document)
    for secret in (
        contract.number,
        terms["buyer"]["name_en"],
        terms["provider"]["name_en"],
        terms["buyer"]["registration_number"],
        terms["product"]["facility_en"],
        "62.00",
    ):
        assert secret not in text


def test_an_unknown_hash_is_no_contract(client, contract):
    page = client.get(f"/verify/{'0' * 64}/")
    assert page.status_code == 404
    assert "No contract has this hash" in page.content.decode()


def test_what_was_changed_in_the_contract_before_is_seen(client, contract, buyer, fund, now):
    fund(buyer, 10_000)
    draft = compute_draft(buyer, contract.pool, now=now, number=2)
    [second] = open_contracts(drafts=[draft], now=now)
    assert "stands as it was signed" in client.get(f"/verify/{second.sha256}/").content.decode()
    drop_trigger("contracts_contract", "terms_never_change")
    Contract.objects.filter(pk=contract.pk).update(document="{}")
    page = client.get(f"/verify/{second.sha256}/").content.decode()
    assert "Do not rely on this contract" in page
    assert "the contract before it is not the one that this one names" in page
    assert "the stored document has this hash" in page


@pytest.mark.parametrize(
    "change",
    [{"document": "{}"}, {"signature": "A" * 86}],
)
def test_what_was_changed_behind_the_triggers_is_seen(client, contract, change):
    drop_trigger("contracts_contract", "terms_never_change")
    Contract.objects.update(**change)
    assert "Do not rely on this contract" in client.get(f"/verify/{contract.sha256}/").content.decode()
