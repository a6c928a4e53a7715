"""A key is checked without the exchange, by the very lines that docs/licences.md gives."""

import base64
import json
import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from django.core.management import call_command
from django.test import Client

from settlement.licences.keys import VALIDATION, facts_of, holds, statement
from settlement.licences.operations import validate
from tests.factories.accounts import NOW
from tests.factories.licences import licensed, token_of

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "licences.md"
OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture
def example():
    """The function of the documentation, as it stands there."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names: dict = {}
    exec(code, names)
    return names["read_licence"]


@pytest.fixture
def key(buyer, settings, tmp_path, monkeypatch) -> str:
    settings.SIGNING_KEYS = [OLD]
    key = licensed(buyer, seats=4).key
    monkeypatch.chdir(tmp_path)
    save_keys()
    return key


def save_keys() -> None:
    Path("suanpan-keys.json").write_bytes(Client().get("/.well-known/suanpan-keys.json").content)


def test_the_example_reads_a_key(example, key, buyer):
    facts = example(key)
    assert facts["seats"] == 4
    assert facts["licensee"]["registration_number"] == buyer.registration_number


def test_a_changed_key_does_not_hold(example, key):
    signed, _, signature = key.rpartition(".")
    facts = facts_of(key) | {"seats": 4000}
    payload = base64.urlsafe_b64encode(json.dumps(facts).encode()).rstrip(b"=").decode()
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for forged in (f"key/{payload}.{signature}", f"{signed}.{flipped}", f"{signed}."):
        with pytest.raises(InvalidSignature):
            example(forged)
        assert not holds(forged)


def test_a_statement_of_another_kind_is_no_key(example, key, buyer):
    said = statement(VALIDATION, facts_of(key))
    assert holds(said)
    with pytest.raises(InvalidSignature):
        example(said.replace("validation/", "key/"))
    with pytest.raises(IndexError):
        example(said)


def test_a_key_of_a_retired_signing_key_still_holds(example, key, settings, buyer):
    settings.SIGNING_KEYS = [OLD, NEW]
    call_command("rotate_signing_key")
    save_keys()
    later = licensed(buyer).key
    assert facts_of(key)["kid"] != facts_of(later)["kid"]
    assert example(key)["licence"] != example(later)["licence"]


def test_a_validation_is_signed_with_the_callers_nonce(buyer):
    token = token_of(licensed(buyer))
    answer = validate(token=token, fingerprint="", nonce="fresh", now=NOW)
    assert holds(answer.statement)
    facts = facts_of(answer.statement)
    assert (facts["nonce"], facts["valid"], facts["licence"]) == ("fresh", True, token.licence.number)
    assert facts["good_until"] == "2026-06-01T05:00:00Z"
