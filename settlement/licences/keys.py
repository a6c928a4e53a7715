"""A licence's key, and what else the platform states of it: texts that anybody can check offline.

`<kind>/<payload>.<signature>`, both in base64url without padding: the payload is canonical JSON, the Ed25519
signature covers all before the dot, the kind included, so that no statement holds for another. The shape is
that of Keygen's cryptographic keys (https://keygen.sh/docs/api/cryptography/).
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from settlement.canonical import canonical_json
from settlement.contracts.signing import Signature, current_signer, verify

KEY = "key"
VALIDATION = "validation"


def statement(kind: str, facts: Mapping[str, Any]) -> str:
    """Sign the facts; `kid`, which names the public key, is added to them."""
    signer = current_signer()
    payload = canonical_json({**facts, "kid": signer.kid})
    signed = f"{kind}/{base64.urlsafe_b64encode(payload.encode()).rstrip(b'=').decode()}"
    return f"{signed}.{signer.sign(signed.encode()).value}"


def facts_of(text: str) -> dict[str, Any]:
    """What a statement says, whoever signed it."""
    payload = text.partition("/")[2].partition(".")[0]
    facts: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return facts


def holds(text: str) -> bool:
    """Whether one of the platform's keys, retired ones among them, signed exactly this."""
    signed, _dot, signature = text.rpartition(".")
    return verify(signed.encode(), Signature(str(facts_of(text)["kid"]), signature))
