"""The protocol: who asks, under which key, for what; answers, errors, lists, and hosted pages."""

import html
import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.stripe_standin.books import PLATFORM, Object, snapshot
from tests.stripe_standin.cards import GOOD
from tests.stripe_standin.errors import ApiError, invalid, missing
from tests.stripe_standin.form import decode

RESOURCES = {
    "accounts": "account",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "payouts": "payout",
    "refunds": "refund",
    "setup_intents": "setup_intent",
    "transfers": "transfer",
}
FILTERS = ("customer", "payment_intent", "charge", "destination", "type", "source", "currency", "status")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: Any

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _handle(self, method: str) -> None:
        address = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        params = decode(text if method == "POST" else address.query)
        if address.path.startswith(("/pay/", "/onboard/")):
            self._page(method, address.path, params)
            return
        if address.path == "/favicon.ico":
            self._send(204, "text/plain", "")
            return
        self.standin.requests.append((method, address.path, self.headers.get("Idempotency-Key")))
        if self.standin.on_request:
            self.standin.on_request(method, address.path)
        status, body, replayed = self._answer(method, address.path, params)
        if method == "POST" and self.standin.answers_lost:
            self.standin.answers_lost -= 1
            self.close_connection = True
            return
        self._send(status, "application/json", json.dumps(body, default=str), replayed)

    def _send(self, status: int, kind: str, text: str, replayed: bool = False, location: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", "req_standin")
        if replayed:
            self.send_header("Idempotent-Replayed", "true")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    # The API

    def _answer(self, method: str, path: str, params: Object) -> tuple[int, Object, bool]:
        try:
            self._authenticate()
            if self.standin.errors_next:
                self.standin.errors_next -= 1
                raise ApiError(500, "api_error", "Sorry, something went wrong on our side.")
            key = self.headers.get("Idempotency-Key")
            if method == "POST" and key:
                return self._once(key, path, params)
            return 200, self._do(method, path, params), False
        except ApiError as error:
            return error.status, public(error.body), False

    def _authenticate(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.standin.secret_key}":
            raise ApiError(401, "invalid_request_error", "Invalid API Key provided.")

    def _once(self, key: str, path: str, params: Object) -> tuple[int, Object, bool]:
        """The first answer under a key is the answer for ever, an error too; another body is refused."""
        asked = (path, self._account(), json.dumps(params, sort_keys=True))
        with self.standin.lock:
            known = self.standin.keys.get(key)
            if known is None:
                self.standin.keys[key] = (asked, None)
            elif known[0] != asked:
                raise ApiError(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first"
                    " used with.",
                )
            elif known[1] is None:
                raise ApiError(
                    409,
                    "invalid_request_error",
                    "There is another request with this key in progress.",
                    code="idempotency_key_in_use",
                )
            else:
                return (*known[1], True)
        try:
            answer = 200, self._do("POST", path, params)
        except ApiError as error:
            answer = error.status, public(error.body)
        self.standin.keys[key] = (asked, answer)
        return (*answer, False)

    def _account(self) -> str:
        return self.headers.get("Stripe-Account") or PLATFORM

    def _do(self, method: str, path: str, params: Object) -> Object:
        with self.standin.lock:
            for verb, pattern, act in ROUTES:
                match = re.fullmatch(pattern, path)
                if verb == method and match:
                    made = act(self.standin, self, params, *match.groups())
                    return self._expanded(public(made), params.get("expand", []))
        raise ApiError(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def _expanded(self, made: Object, paths: list[str]) -> Object:
        for path in paths:
            self._expand(made, path.split("."))
        return made

    def _expand(self, place: Object, path: list[str]) -> None:
        name, *rest = path
        value = place.get(name)
        if isinstance(value, str):
            found = self.standin.books.any(value, self._account())
            place[name] = value = public(found) if found else value
        if rest and isinstance(value, dict):
            self._expand(value, rest)

    def retrieve(self, resource: str, object_id: str) -> Object:
        kind = RESOURCES.get(resource)
        if kind is None:
            raise missing(resource, object_id)
        return self.standin.books.get(kind, object_id, self._account())

    def listed(self, path: str, rows: list[Object], params: Object) -> Object:
        for name in FILTERS:
            if name in params:
                rows = [row for row in rows if row.get(name) == params[name]]
        created = params.get("created", {})
        if "gte" in created:
            rows = [row for row in rows if row["created"] >= int(created["gte"])]
        if "lte" in created:
            rows = [row for row in rows if row["created"] <= int(created["lte"])]
        if "starting_after" in params:
            ids = [row["id"] for row in rows]
            if params["starting_after"] not in ids:
                raise missing("object", params["starting_after"])
            rows = rows[ids.index(params["starting_after"]) + 1 :]
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise invalid("limit must be between 1 and 100.", param="limit")
        return {"object": "list", "url": path, "data": rows[:limit], "has_more": len(rows) > limit}

    # The pages

    def _page(self, method: str, path: str, params: Object) -> None:
        kind, object_id = path.strip("/").split("/")
        with self.standin.lock:
            try:
                if kind == "pay":
                    self._pay_page(method, object_id, params)
                else:
                    self._onboarding_page(method, object_id)
            except ApiError as error:
                status = 200 if error.status == 402 else error.status  # Declined: the page asks again.
                self._send(status, "text/html; charset=utf-8", self._form(str(error), kind))

    def _pay_page(self, method: str, session_id: str, params: Object) -> None:
        session = self.standin.books.get("checkout.session", session_id)
        if method == "POST":
            self.standin.cards.complete(session_id, params.get("number") or GOOD)
            self._send(303, "text/plain", "", location=session["success_url"])
            return
        title = f"{session['amount_total']} {session['currency'] or ''}"
        self._send(200, "text/html; charset=utf-8", self._form(title, "pay"))

    def _onboarding_page(self, method: str, account_id: str) -> None:
        account = self.standin.books.get("account", account_id)
        if method == "POST":
            self.standin.connect.prove(account_id)
            self._send(303, "text/plain", "", location=account["_return_url"])
            return
        self._send(200, "text/html; charset=utf-8", self._form(account_id, "onboard"))

    def _form(self, title: str, kind: str) -> str:
        field = f'<label>Card <input name="number" value="{GOOD}"></label>' if kind == "pay" else ""
        return (
            f"<!doctype html><title>Stand-in</title><h1>{html.escape(title)}</h1>"
            f'<form method="post">{field}<button>{kind}</button></form>'
        )


def public(made: Object) -> Object:
    """A copy without what only the stand-in knows."""
    copied = snapshot(made)
    _strip(copied)
    return copied


def _strip(value: Any) -> None:
    if isinstance(value, dict):
        for name in [name for name in value if name.startswith("_")]:
            del value[name]
        for each in value.values():
            _strip(each)
    elif isinstance(value, list):
        for each in value:
            _strip(each)


Act = Callable[..., Object]
ID = r"([\w.]+)"
ROUTES: list[tuple[str, str, Act]] = [
    ("POST", "/v1/customers", lambda s, h, p: s.cards.create_customer(p)),
    ("POST", "/v1/payment_methods", lambda s, h, p: s.cards.create_payment_method(p)),
    ("POST", f"/v1/payment_methods/{ID}/attach", lambda s, h, p, i: s.cards.attach(i, p)),
    ("POST", f"/v1/payment_methods/{ID}/detach", lambda s, h, p, i: s.cards.detach(i, p)),
    ("POST", "/v1/setup_intents", lambda s, h, p: s.cards.create_setup(p)),
    ("POST", f"/v1/setup_intents/{ID}/confirm", lambda s, h, p, i: s.cards.confirm_setup(i, p)),
    ("POST", "/v1/payment_intents", lambda s, h, p: s.cards.create_payment(p)),
    ("POST", f"/v1/payment_intents/{ID}/confirm", lambda s, h, p, i: s.cards.confirm_payment(i, p)),
    ("POST", f"/v1/payment_intents/{ID}/capture", lambda s, h, p, i: s.cards.capture_payment(i, p)),
    ("POST", f"/v1/payment_intents/{ID}/cancel", lambda s, h, p, i: s.cards.cancel_payment(i, p)),
    ("POST", "/v1/checkout/sessions", lambda s, h, p: s.cards.create_session(p, s.address)),
    ("POST", f"/v1/checkout/sessions/{ID}/expire", lambda s, h, p, i: s.cards.expire_session(i)),
    ("POST", "/v1/refunds", lambda s, h, p: s.cards.create_refund(p)),
    ("POST", f"/v1/disputes/{ID}/close", lambda s, h, p, i: s.cards.lose_dispute(i)),
    ("POST", "/v1/accounts", lambda s, h, p: s.connect.create_account(p)),
    ("GET", f"/v1/accounts/{ID}", lambda s, h, p, i: s.connect.retrieve_account(i)),
    ("POST", "/v1/account_links", lambda s, h, p: s.connect.create_link(p, s.address)),
    ("POST", "/v1/transfers", lambda s, h, p: s.connect.create_transfer(p)),
    ("POST", f"/v1/transfers/{ID}/reversals", lambda s, h, p, i: s.connect.reverse_transfer(i, p)),
    (
        "GET",
        f"(/v1/transfers/{ID}/reversals)",
        lambda s, h, p, path, i: h.listed(path, s.connect.reversals_of(i), p),
    ),
    ("POST", "/v1/payouts", lambda s, h, p: s.connect.create_payout(p, h._account())),
    ("GET", "(/v1/events)", lambda s, h, p, path: h.listed(path, list(reversed(s.books.events)), p)),
    (
        "GET",
        r"(/v1/(checkout/sessions|\w+))",
        lambda s, h, p, path, name: h.listed(path, s.books.all(RESOURCES.get(name, name), h._account()), p),
    ),
    ("GET", rf"/v1/(checkout/sessions|\w+)/{ID}", lambda s, h, p, name, i: h.retrieve(name, i)),
]
