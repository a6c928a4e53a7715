"""Customers, cards, payments, Checkout and refunds."""

from dataclasses import dataclass
from typing import Any

from tests.stripe_standin.books import Books, Object
from tests.stripe_standin.errors import declined, invalid

GOOD = "4242424242424242"
DECLINED = "4000000000000002"
DECLINED_LATER = "4000000000000341"  # Saved without trouble, declined when charged.
ASKS_FOR_ITS_OWNER = "4000002500003155"  # Charged only in the presence of its owner.


def fee_of(amount: int) -> int:
    """3.4 % and 2.35, as Stripe asks in Hong Kong."""
    return amount * 34 // 1000 + 235


@dataclass
class Cards:
    books: Books

    # Customers and their cards

    def create_customer(self, params: Object) -> Object:
        return self.books.new(
            "customer",
            "cus",
            name=params.get("name"),
            email=params.get("email"),
            description=params.get("description"),
            balance=0,
            default_source=None,
            metadata=params.get("metadata", {}),
        )

    def new_card(self, number: str = GOOD) -> Object:
        brand = "mastercard" if number.startswith("5") else "visa"
        card = {"brand": brand, "last4": number[-4:], "exp_month": 8, "exp_year": 2030, "funding": "credit"}
        method = self.books.new("payment_method", "pm", type="card", card=card, customer=None)
        method["_number"] = number
        return method

    def create_payment_method(self, params: Object) -> Object:
        return self.new_card(params["card"].get("number", GOOD))

    def attach(self, method_id: str, params: Object) -> Object:
        self.books.get("customer", params["customer"])
        method = self.books.get("payment_method", method_id)
        method["customer"] = params["customer"]
        self.books.say("payment_method.attached", method)
        return method

    def detach(self, method_id: str, params: Object) -> Object:
        method = self.books.get("payment_method", method_id)
        if method["customer"] is None:
            raise invalid("The payment method you provided is not attached to a customer.", param="id")
        method["customer"] = None
        self.books.say("payment_method.detached", method)
        return method

    # Setup intents

    def create_setup(self, params: Object) -> Object:
        setup = self.books.new(
            "setup_intent",
            "seti",
            customer=params.get("customer"),
            payment_method=params.get("payment_method"),
            status="requires_payment_method",
            usage=params.get("usage", "off_session"),
            last_setup_error=None,
            metadata=params.get("metadata", {}),
        )
        self.books.say("setup_intent.created", setup)
        return self.confirm_setup(setup["id"], params) if params.get("confirm") == "true" else setup

    def confirm_setup(self, setup_id: str, params: Object) -> Object:
        setup = self.books.get("setup_intent", setup_id)
        setup["payment_method"] = params.get("payment_method") or setup["payment_method"]
        if not setup["payment_method"]:
            raise invalid(
                "You cannot confirm this SetupIntent: it has no payment method.", param="payment_method"
            )
        setup["status"] = "succeeded"
        self.books.say("setup_intent.succeeded", setup)
        if setup["customer"]:
            self.attach(setup["payment_method"], {"customer": setup["customer"]})
        return setup

    # Payments

    def create_payment(self, params: Object) -> Object:
        amount = int(params["amount"])
        if not 0 < amount <= 99_999_999:
            raise invalid("Amount must be between 1 and 99999999.", code="amount_too_large", param="amount")
        method, customer = params.get("payment_method"), params.get("customer")
        if (
            method
            and customer
            and self.books.get("payment_method", method)["customer"] not in (None, customer)
        ):
            raise invalid("The payment method belongs to another customer.", param="payment_method")
        payment = self.books.new(
            "payment_intent",
            "pi",
            amount=amount,
            amount_received=0,
            amount_capturable=0,
            currency=params["currency"],
            customer=customer,
            payment_method=method,
            payment_method_types=params.get("payment_method_types", ["card"]),
            automatic_payment_methods=params.get("automatic_payment_methods"),
            capture_method=params.get("capture_method", "automatic"),
            setup_future_usage=params.get("setup_future_usage"),
            latest_charge=None,
            last_payment_error=None,
            next_action=None,
            canceled_at=None,
            status="requires_confirmation" if method else "requires_payment_method",
            metadata=params.get("metadata", {}),
        )
        self.books.say("payment_intent.created", payment)
        return self.confirm_payment(payment["id"], params) if params.get("confirm") == "true" else payment

    def confirm_payment(self, payment_id: str, params: Object) -> Object:
        payment = self.books.get("payment_intent", payment_id)
        if payment["status"] not in ("requires_confirmation", "requires_payment_method"):
            raise invalid(
                f"You cannot confirm this PaymentIntent: its status is {payment['status']}.",
                code="payment_intent_unexpected_state",
            )
        payment["payment_method"] = params.get("payment_method") or payment["payment_method"]
        if not payment["payment_method"]:
            raise invalid("You cannot confirm it without a payment method.", param="payment_method")
        number = self.books.get("payment_method", payment["payment_method"])["_number"]
        if number in (DECLINED, DECLINED_LATER):
            self._decline(payment, "Your card was declined.", "card_declined")
        if number == ASKS_FOR_ITS_OWNER and params.get("off_session") == "true":
            self._decline(payment, "Your card requires authentication.", "authentication_required")
        charge = self._charge(payment)
        payment["latest_charge"] = charge["id"]
        if payment["setup_future_usage"] and payment["customer"]:
            self.attach(payment["payment_method"], {"customer": payment["customer"]})
        if payment["capture_method"] == "manual":
            payment["status"], payment["amount_capturable"] = "requires_capture", payment["amount"]
            self.books.say("payment_intent.amount_capturable_updated", payment)
            return payment
        return self._succeed(payment, charge, payment["amount"])

    def capture_payment(self, payment_id: str, params: Object) -> Object:
        payment = self.books.get("payment_intent", payment_id)
        if payment["status"] != "requires_capture":
            raise invalid("This PaymentIntent could not be captured.", code="payment_intent_unexpected_state")
        amount = int(params.get("amount_to_capture", payment["amount_capturable"]))
        if not 0 < amount <= payment["amount_capturable"]:
            raise invalid("You cannot capture more than was authorised.", code="amount_too_large")
        payment["amount_capturable"] = 0
        return self._succeed(payment, self.books.get("charge", payment["latest_charge"]), amount)

    def cancel_payment(self, payment_id: str, params: Object) -> Object:
        payment = self.books.get("payment_intent", payment_id)
        if payment["status"] in ("succeeded", "canceled"):
            raise invalid("You cannot cancel it.", code="payment_intent_unexpected_state")
        payment |= {"status": "canceled", "canceled_at": int(self.books.clock()), "amount_capturable": 0}
        self.books.say("payment_intent.canceled", payment)
        return payment

    def _charge(self, payment: Object, **changes: Any) -> Object:
        return self.books.new(
            "charge",
            "ch",
            **{
                "amount": payment["amount"],
                "amount_captured": 0,
                "amount_refunded": 0,
                "balance_transaction": None,
                "captured": False,
                "currency": payment["currency"],
                "customer": payment["customer"],
                "disputed": False,
                "failure_code": None,
                "failure_message": None,
                "paid": True,
                "payment_intent": payment["id"],
                "payment_method": payment["payment_method"],
                "refunded": False,
                "status": "succeeded",
                "metadata": dict(payment["metadata"]),
            }
            | changes,
        )

    def _decline(self, payment: Object, message: str, code: str) -> None:
        charge = self._charge(
            payment, paid=False, status="failed", failure_code=code, failure_message=message
        )
        error = {"type": "card_error", "code": code, "message": message}
        payment |= {
            "status": "requires_payment_method",
            "last_payment_error": error,
            "latest_charge": charge["id"],
        }
        self.books.say("charge.failed", charge)
        self.books.say("payment_intent.payment_failed", payment)
        raise declined(message, code, payment)

    def _succeed(self, payment: Object, charge: Object, amount: int) -> Object:
        charge |= {"captured": True, "amount_captured": amount}
        payment |= {"status": "succeeded", "amount_received": amount}
        if not self.books.balance_later:
            self._settle(charge)
        self.books.say("charge.succeeded", charge)
        self.books.say("payment_intent.succeeded", payment)
        return payment

    def _settle(self, charge: Object) -> None:
        amount = charge["amount_captured"]
        movement = self.books.move("charge", amount, charge["currency"], charge["id"], fee=fee_of(amount))
        charge["balance_transaction"] = movement["id"]

    def settle_balances(self) -> None:
        """Book what was charged while `balance_later` was set."""
        for charge in self.books.all("charge"):
            if charge["captured"] and charge["balance_transaction"] is None:
                self._settle(charge)
                self.books.say("charge.updated", charge)

    # Checkout

    def create_session(self, params: Object, page: str) -> Object:
        mode = params["mode"]
        lines = params.get("line_items", [])
        if (mode == "payment") != bool(lines):
            raise invalid("line_items are for mode payment.", param="line_items")
        if "customer" in params:
            self.books.get("customer", params["customer"])
        session = self.books.new(
            "checkout.session",
            "cs_test",
            mode=mode,
            status="open",
            payment_status="unpaid" if mode == "payment" else "no_payment_required",
            amount_total=sum(
                int(line["quantity"]) * int(line["price_data"]["unit_amount"]) for line in lines
            ),
            currency=lines[0]["price_data"]["currency"] if lines else None,
            customer=params.get("customer"),
            client_reference_id=params.get("client_reference_id"),
            success_url=params["success_url"],
            cancel_url=params.get("cancel_url"),
            payment_intent=None,
            setup_intent=None,
            expires_at=int(self.books.clock()) + 86_400,
            metadata=params.get("metadata", {}),
        )
        session["url"] = f"{page}/pay/{session['id']}"
        session["_payment"] = params.get("payment_intent_data", {})
        return session

    def complete(self, session_id: str, number: str = GOOD) -> Object:
        """Somebody fills the hosted page in. A declined card leaves it open for another one."""
        session = self.books.get("checkout.session", session_id)
        if session["status"] != "open":
            raise invalid("This page is closed.", code="session_closed")
        method = self.new_card(number)
        if session["mode"] == "setup":
            setup = self.create_setup(
                {"customer": session["customer"], "payment_method": method["id"], "confirm": "true"}
            )
            session |= {"status": "complete", "setup_intent": setup["id"]}
        else:
            self._pay(session, method)
        self.books.say("checkout.session.completed", session)
        return session

    def _pay(self, session: Object, method: Object) -> None:
        if session["payment_intent"] is None:
            payment = self.create_payment(
                {
                    "amount": session["amount_total"],
                    "currency": session["currency"],
                    "customer": session["customer"],
                    "metadata": session["_payment"].get("metadata", {}),
                    "setup_future_usage": session["_payment"].get("setup_future_usage"),
                }
            )
            session["payment_intent"] = payment["id"]
        self.confirm_payment(session["payment_intent"], {"payment_method": method["id"]})
        session |= {"status": "complete", "payment_status": "paid"}

    def expire_session(self, session_id: str) -> Object:
        session = self.books.get("checkout.session", session_id)
        session["status"] = "expired"
        self.books.say("checkout.session.expired", session)
        return session

    # Refunds

    def create_refund(self, params: Object) -> Object:
        charge = self._charge_of(params)
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = int(params.get("amount", left))
        if charge["disputed"]:
            raise invalid("The charge has been charged back.", code="charge_disputed")
        if left == 0:
            raise invalid("Charge has already been refunded.", code="charge_already_refunded")
        if not 0 < amount <= left:
            raise invalid("Refund amount is greater than unrefunded amount on charge.", param="amount")
        refund = self.books.new(
            "refund",
            "re",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            reason=params.get("reason"),
            status="succeeded",
            failure_reason=None,
            metadata=params.get("metadata", {}),
        )
        movement = self.books.move("refund", -amount, charge["currency"], refund["id"])
        refund["balance_transaction"] = movement["id"]
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.books.say("refund.created", refund)
        self.books.say("charge.refunded", charge)
        return refund

    def fail_refund(self, refund_id: str) -> Object:
        """The card's bank does not take it: days after it succeeded, the money is back with Stripe."""
        refund = self.books.get("refund", refund_id)
        charge = self.books.get("charge", refund["charge"])
        self.books.move("refund_failure", refund["amount"], refund["currency"], refund["id"])
        refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        for kind in ("refund.updated", "charge.refund.updated", "refund.failed"):
            self.books.say(kind, refund)
        return refund

    def _charge_of(self, params: Object) -> Object:
        if "charge" in params:
            return self.books.get("charge", params["charge"])
        payment = self.books.get("payment_intent", params["payment_intent"])
        if payment["status"] != "succeeded":
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        return self.books.get("charge", payment["latest_charge"])

    # Disputes: nobody asks for them

    def open_dispute(self, payment_id: str, *, amount: int | None = None, inquiry: bool = False) -> Object:
        payment = self.books.get("payment_intent", payment_id)
        charge = self.books.get("charge", payment["latest_charge"])
        dispute = self.books.new(
            "dispute",
            "dp",
            amount=amount or charge["amount_captured"] - charge["amount_refunded"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=payment_id,
            reason="fraudulent",
            status="warning_needs_response" if inquiry else "needs_response",
            balance_transactions=[],
            evidence_details={"due_by": int(self.books.clock()) + 7 * 86_400, "has_evidence": False},
            is_charge_refundable=inquiry,
        )
        self.books.say("charge.dispute.created", dispute)
        if not inquiry:
            charge["disputed"] = True
            self._move_dispute(dispute, -dispute["amount"], fee=1500)
            self.books.say("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def win_dispute(self, dispute_id: str) -> Object:
        dispute = self.books.get("dispute", dispute_id)
        dispute["status"] = "won"
        self._move_dispute(dispute, dispute["amount"], fee=-1500)
        self.books.get("charge", dispute["charge"])["disputed"] = False
        self.books.say("charge.dispute.closed", dispute)
        self.books.say("charge.dispute.funds_reinstated", dispute)
        return dispute

    def lose_dispute(self, dispute_id: str) -> Object:
        dispute = self.books.get("dispute", dispute_id)
        dispute["status"] = "warning_closed" if dispute["status"].startswith("warning") else "lost"
        self.books.say("charge.dispute.closed", dispute)
        return dispute

    def _move_dispute(self, dispute: Object, amount: int, fee: int) -> None:
        movement = self.books.move("adjustment", amount, dispute["currency"], dispute["id"], fee=fee)
        dispute["balance_transactions"].append(movement)
