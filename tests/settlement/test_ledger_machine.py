"""The ledger against a plain-Python oracle: any sequence of transfers, holds, replays and corrections."""

import datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from settlement.ledger.check import differences
from settlement.ledger.errors import HoldResolved, InsufficientFunds, KeyUsedForAnotherBody
from settlement.ledger.models import Account, AccountKind, Entry, Hold, Transfer, TransferKind
from settlement.ledger.operations import (
    HoldPosting,
    Posting,
    TransferDraft,
    expire_holds,
    open_accounts,
    place_hold,
    platform_account,
    post_holds,
    post_transfer,
    post_transfers,
    reverse_transfer,
    seal_transfers,
    void_hold,
)
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import OrganisationFactory
from tests.settlement.triggers import run

START = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
ORGANISATIONS = 3
who = st.integers(0, ORGANISATIONS - 1)
fen = st.integers(1, 500)


class LedgerMachine(RuleBasedStateMachine):
    """`money` is the oracle: available, held and escrow of each organisation."""

    transfers = Bundle("transfers")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.organisations = [OrganisationFactory() for _ in range(ORGANISATIONS)]
        self.accounts = [open_accounts(organisation=each) for each in self.organisations]
        self.bank = platform_account(kind=AccountKind.BANK).shard_for("")
        self.money = [{"available": 0, "held": 0, "escrow": 0} for _ in range(ORGANISATIONS)]
        self.pending: dict[int, tuple[int, int]] = {}
        self.now = START
        self.keys = 0

    def key(self) -> str:
        self.keys += 1
        return str(self.keys)

    def post(self, *drafts: TransferDraft) -> list[Transfer]:
        return post_transfers(drafts=drafts, now=self.now)

    def post_alone(self, draft: TransferDraft) -> list[Transfer]:
        return [
            post_transfer(
                kind=draft.kind,
                source=draft.source,
                source_id=draft.source_id,
                postings=draft.postings,
                now=self.now,
            )
        ]

    def draft(self, source: int, target: int, amount: int) -> TransferDraft:
        lines = [Posting(source, -amount), Posting(target, amount)]
        return TransferDraft(TransferKind.TOP_UP, "machine", self.key(), lines)

    @rule(target=transfers, to=who, amount=fen, alone=st.booleans())
    def top_up(self, to, amount, alone):
        draft = self.draft(self.bank, self.accounts[to][AccountKind.AVAILABLE], amount)
        [transfer] = (self.post_alone if alone else self.post)(draft)
        self.money[to]["available"] += amount
        return transfer, draft, to, amount

    @rule(moves=st.lists(st.tuples(who, who, fen), min_size=1, max_size=4))
    def pay_in_a_batch(self, moves):
        after, drafts = [place["available"] for place in self.money], []
        overdrawn = False
        for source, target, amount in moves:
            if source == target:
                continue
            after[source] -= amount
            after[target] += amount
            overdrawn |= after[source] < 0
            drafts.append(
                self.draft(
                    self.accounts[source][AccountKind.AVAILABLE],
                    self.accounts[target][AccountKind.AVAILABLE],
                    amount,
                )
            )
        if overdrawn:
            self.refused(InsufficientFunds, lambda: self.post(*drafts))
        else:
            self.post(*drafts)
            for place, available in zip(self.money, after, strict=True):
                place["available"] = available

    @rule(posted=transfers)
    def replay(self, posted):
        transfer, draft, _, _ = posted
        assert self.post(draft) == self.post_alone(draft) == [transfer]

    @rule(source=who, amount=fen)
    def pay_the_bank(self, source, amount):
        draft = self.draft(self.accounts[source][AccountKind.AVAILABLE], self.bank, amount)
        if self.money[source]["available"] < amount:
            self.refused(InsufficientFunds, lambda: self.post_alone(draft))
        else:
            self.post_alone(draft)
            self.money[source]["available"] -= amount

    @rule(posted=transfers)
    def replay_with_another_amount(self, posted):
        _, draft, _, amount = posted
        lines = [Posting(line.account, line.amount // amount * (amount + 1)) for line in draft.postings]
        other = TransferDraft(draft.kind, draft.source, draft.source_id, lines)
        self.refused(KeyUsedForAnotherBody, lambda: self.post(other))
        self.refused(KeyUsedForAnotherBody, lambda: self.post_alone(other))

    @rule(posted=consumes(transfers))
    def correct(self, posted):
        transfer, _, to, amount = posted
        if self.money[to]["available"] < amount:
            self.refused(
                InsufficientFunds, lambda: reverse_transfer(transfer=transfer, now=self.now, memo="")
            )
        else:
            first = reverse_transfer(transfer=transfer, now=self.now, memo="")
            assert reverse_transfer(transfer=transfer, now=self.now, memo="") == first
            self.money[to]["available"] -= amount

    @rule(target=holds, of=who, amount=fen, expires=st.booleans())
    def hold(self, of, amount, expires):
        place = lambda: place_hold(  # noqa: E731
            organisation=self.organisations[of],
            amount=amount,
            source="machine",
            source_id=self.key(),
            expires_at=self.now + datetime.timedelta(hours=1) if expires else None,
            now=self.now,
        )
        if self.money[of]["available"] < amount:
            self.refused(InsufficientFunds, place)
            return multiple()
        hold = place()
        self.money[of]["available"] -= amount
        self.money[of]["held"] += amount
        self.pending[hold.pk] = (of, amount)
        return hold.pk

    @rule(hold=holds, part=st.integers(0, 100))
    def post_hold(self, hold, part):
        of, amount = self.pending.get(hold, (0, 0))
        taken = amount * part // 100
        posting = HoldPosting(hold, self.accounts[of][AccountKind.ESCROW], taken)
        if hold not in self.pending:
            self.refused(HoldResolved, lambda: post_holds(postings=[posting], now=self.now))
            return
        post_holds(postings=[posting], now=self.now)
        self.resolve(hold)
        self.money[of]["available"] -= taken
        self.money[of]["escrow"] += taken

    @rule(hold=holds)
    def void(self, hold):
        if Hold.objects.get(pk=hold).status == Hold.Status.POSTED:
            self.refused(HoldResolved, lambda: void_hold(hold_id=hold, now=self.now))
            return
        void_hold(hold_id=hold, now=self.now)
        self.resolve(hold)

    @rule(hours=st.integers(0, 2))
    def time_passes(self, hours):
        self.now += datetime.timedelta(hours=hours)
        overdue = set(Hold.objects.pending().filter(expires_at__lte=self.now).values_list("pk", flat=True))
        assert expire_holds(now=self.now) == len(overdue)
        for hold in overdue:
            self.resolve(hold)

    @rule()
    def seal(self):
        seal_transfers()

    def resolve(self, hold):
        if hold in self.pending:
            of, amount = self.pending.pop(hold)
            self.money[of]["held"] -= amount
            self.money[of]["available"] += amount

    def refused(self, error, operation):
        """A refusal leaves no trace."""
        before = Entry.objects.count()
        with pytest.raises(error), transaction.atomic():
            operation()
        assert Entry.objects.count() == before

    @invariant()
    def agrees_with_the_oracle(self):
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET CONSTRAINTS ALL DEFERRED")
        for organisation, place in zip(self.organisations, self.money, strict=True):
            assert balance_of(organisation) == Balances(**place)
        assert sum(Account.objects.values_list("balance", flat=True)) == 0

    def teardown(self) -> None:
        try:
            assert list(differences()) == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


@pytest.mark.django_db
def test_the_ledger_agrees_with_the_oracle():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
