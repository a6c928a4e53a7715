"""A stand-in for Stripe on the loopback: it speaks enough of its API for the real SDK, and of its webhooks.

    with StandIn() as stripe:
        settings.STRIPE_API_BASE = stripe.address
        ...
        stripe.deliver(send, times=3, seed=1)

`cards` and `connect` are what can be asked of it, and what happens in the world outside (a page is filled in,
a bank contests a payment, a payout comes back); `books` is what it knows; `server` is the protocol: keys,
errors, lists, pages.
"""

from tests.stripe_standin.standin import SECRET_KEY, WEBHOOK_SECRET, StandIn

__all__ = ["SECRET_KEY", "WEBHOOK_SECRET", "StandIn"]
