"""The stand-in as tests hold it: started and stopped, told what happens, and delivering its events."""

import hashlib
import hmac
import json
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.stripe_standin.books import Books, Object
from tests.stripe_standin.cards import Cards
from tests.stripe_standin.connect import Connect
from tests.stripe_standin.server import Handler, public

SECRET_KEY = "sk_test_standin"
WEBHOOK_SECRET = "whsec_standin"

Send = Callable[[bytes, str], object]


class Server(ThreadingHTTPServer):
    daemon_threads = True


class StandIn:
    def __init__(self, secret_key: str = SECRET_KEY, webhook_secret: str = WEBHOOK_SECRET) -> None:
        self.secret_key = secret_key
        self.webhook_secret = webhook_secret
        self.lock = threading.RLock()
        self.books = Books()
        self.cards = Cards(self.books)
        self.connect = Connect(self.books)
        self.keys: dict[str, tuple[Any, tuple[int, Object] | None]] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.on_request: Callable[[str, str], None] | None = None
        self.answers_lost = 0  # So many calls are carried out, and their answer never arrives.
        self.errors_next = 0  # So many requests are answered with a fault of Stripe's own.
        self._delivered = 0

    def __enter__(self) -> "StandIn":
        handler = type("StandInHandler", (Handler,), {"standin": self})
        self._server = Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def forget_keys(self) -> None:
        """A day passes: Stripe knows no idempotency key any more."""
        self.keys.clear()

    def asked(self, path: str, method: str = "POST") -> list[str | None]:
        """The keys under which this was asked for."""
        return [key for verb, asked, key in self.requests if (verb, asked) == (method, path)]

    # Webhooks

    def fresh_events(self) -> list[Object]:
        """What happened since this was asked last."""
        fresh = self.books.events[self._delivered :]
        self._delivered = len(self.books.events)
        return fresh

    def signed(self, event: Object, *, secret: str | None = None, age: int = 0) -> tuple[bytes, str]:
        """The body, and the Stripe-Signature header, of an event sent `age` seconds ago."""
        body = json.dumps(public(event)).encode()
        at = int(time.time()) - age
        key = (secret or self.webhook_secret).encode()
        signature = hmac.new(key, b"%d." % at + body, hashlib.sha256).hexdigest()
        return body, f"t={at},v1={signature}"

    def deliver(
        self,
        send: Send,
        events: Iterable[Object] | None = None,
        *,
        times: int = 1,
        seed: int | None = None,
    ) -> int:
        """Send events (the fresh ones), each so many times, shuffled by `seed`; how many were sent."""
        queue = list(self.fresh_events() if events is None else events) * times
        if seed is not None:
            random.Random(seed).shuffle(queue)
        for event in queue:
            send(*self.signed(event))
        return len(queue)

    def post_to(self, url: str) -> Send:
        """A way to send that goes over HTTP."""

        def send(body: bytes, signature: str) -> int:
            request = urllib.request.Request(
                url, body, {"Stripe-Signature": signature, "Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as response:
                return int(response.status)

        return send
