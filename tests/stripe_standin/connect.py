"""Connected accounts, transfers to them, reversals, and their payouts."""

from dataclasses import dataclass

from tests.stripe_standin.books import PLATFORM, Books, Object
from tests.stripe_standin.errors import ApiError, invalid

TO_PROVE = ["business_profile.url", "external_account", "tos_acceptance.date"]


@dataclass
class Connect:
    books: Books

    def create_account(self, params: Object) -> Object:
        return self.books.new(
            "account",
            "acct",
            country=params.get("country", "HK"),
            business_type=params.get("business_type"),
            capabilities=dict.fromkeys(params.get("capabilities", {}), "inactive"),
            charges_enabled=False,
            payouts_enabled=False,
            details_submitted=False,
            default_currency="hkd",
            requirements={"currently_due": list(TO_PROVE), "disabled_reason": "requirements.past_due"},
            settings=params.get("settings", {}),
            metadata=params.get("metadata", {}),
        )

    def create_link(self, params: Object, page: str) -> Object:
        account = self._account(params["account"])
        now = int(self.books.clock())
        account["_return_url"] = params["return_url"]
        return {
            "object": "account_link",
            "created": now,
            "expires_at": now + 300,
            "url": f"{page}/onboard/{account['id']}",
        }

    def retrieve_account(self, account_id: str) -> Object:
        return self._account(account_id)

    def prove(self, account_id: str) -> Object:
        """The account's owner fills the onboarding page in."""
        account = self._account(account_id)
        account |= {
            "details_submitted": True,
            "payouts_enabled": True,
            "capabilities": dict.fromkeys(account["capabilities"], "active"),
            "requirements": {"currently_due": [], "disabled_reason": None},
        }
        self.books.say("account.updated", account, account_id)
        return account

    def suspend(self, account_id: str) -> Object:
        account = self._account(account_id)
        account |= {
            "payouts_enabled": False,
            "requirements": {"currently_due": TO_PROVE[:1], "disabled_reason": "requirements.past_due"},
        }
        self.books.say("account.updated", account, account_id)
        return account

    def deauthorize(self, account_id: str) -> None:
        """The account's owner cuts it off from the platform."""
        self._account(account_id)["_gone"] = True
        self.books.say(
            "account.application.deauthorized", {"id": "ca_1", "object": "application"}, account_id
        )

    def _account(self, account_id: str) -> Object:
        account = self.books.get("account", account_id)
        if account.get("_gone"):
            raise ApiError(
                403,
                "invalid_request_error",
                f"The provided key does not have access to account '{account_id}'.",
                code="account_invalid",
            )
        return account

    # Money

    def create_transfer(self, params: Object) -> Object:
        amount, currency = int(params["amount"]), params["currency"]
        account = self._account(params["destination"])
        if account["capabilities"].get("transfers") != "active":
            raise invalid("Your destination account needs the transfers capability.", param="destination")
        if self.books.balance(currency) < amount:
            raise invalid("You have insufficient available funds.", code="balance_insufficient")
        transfer = self.books.new(
            "transfer",
            "tr",
            amount=amount,
            amount_reversed=0,
            currency=currency,
            destination=account["id"],
            description=params.get("description"),
            reversed=False,
            reversals={"object": "list", "data": [], "has_more": False, "url": ""},
            metadata=params.get("metadata", {}),
        )
        movement = self.books.move("transfer", -amount, currency, transfer["id"])
        transfer["balance_transaction"] = movement["id"]
        self.books.move("payment", amount, currency, transfer["id"], account=account["id"])
        self.books.say("transfer.created", transfer)
        return transfer

    def reverse_transfer(self, transfer_id: str, params: Object) -> Object:
        transfer = self.books.get("transfer", transfer_id)
        left = transfer["amount"] - transfer["amount_reversed"]
        amount = int(params.get("amount", left))
        if not 0 < amount <= left:
            raise invalid("The reversal is larger than what is left of the transfer.", param="amount")
        if self.books.balance(transfer["currency"], transfer["destination"]) < amount:
            raise invalid("The connected account has insufficient funds.", code="balance_insufficient")
        reversal = self.books.new(
            "transfer_reversal",
            "trr",
            amount=amount,
            currency=transfer["currency"],
            transfer=transfer_id,
            metadata=params.get("metadata", {}),
        )
        movement = self.books.move("transfer_refund", amount, transfer["currency"], reversal["id"])
        reversal["balance_transaction"] = movement["id"]
        self.books.move(
            "payment_refund", -amount, transfer["currency"], reversal["id"], account=transfer["destination"]
        )
        transfer["reversals"]["data"].insert(0, reversal)
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        self.books.say("transfer.reversed", transfer)
        return reversal

    def reversals_of(self, transfer_id: str) -> list[Object]:
        return list(self.books.get("transfer", transfer_id)["reversals"]["data"])

    def create_payout(self, params: Object, account: str = PLATFORM) -> Object:
        amount, currency = int(params["amount"]), params["currency"]
        if self.books.balance(currency, account) < amount:
            raise invalid("You have insufficient funds for this payout.", code="balance_insufficient")
        payout = self.books.new(
            "payout",
            "po",
            account,
            amount=amount,
            currency=currency,
            automatic=False,
            arrival_date=int(self.books.clock()) + 86_400,
            status="pending",
            failure_code=None,
            failure_message=None,
            statement_descriptor=params.get("statement_descriptor"),
            metadata=params.get("metadata", {}),
        )
        movement = self.books.move("payout", -amount, currency, payout["id"], account=account)
        payout["balance_transaction"] = movement["id"]
        self.books.say("payout.created", payout, account)
        return payout

    def arrive(self, payout_id: str, account: str = PLATFORM) -> Object:
        payout = self.books.get("payout", payout_id, account)
        payout["status"] = "paid"
        self.books.say("payout.paid", payout, account)
        return payout

    def fail_payout(self, payout_id: str, account: str = PLATFORM) -> Object:
        """The bank sends it back, perhaps days after it was said to be paid."""
        payout = self.books.get("payout", payout_id, account)
        payout |= {
            "status": "failed",
            "failure_code": "account_closed",
            "failure_message": "The bank account has been closed.",
        }
        self.books.move("payout_failure", payout["amount"], payout["currency"], payout_id, account=account)
        self.books.say("payout.failed", payout, account)
        return payout
