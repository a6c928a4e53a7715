"""A dispute freezes its hours until an operator decides: paid, refunded or split."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import Error, transaction

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import OutgoingEmail, Role
from settlement.contracts.models import Contract
from settlement.contracts.operations import open_contracts
from settlement.delivery.errors import DisputeRefused
from settlement.delivery.models import Dispute, DisputeMessage
from settlement.delivery.operations import answer_dispute, decide_dispute, open_dispute, release
from settlement.ledger.queries import Balances, balance_of
from tests.factories.accounts import MemberFactory
from tests.factories.listings import PoolFactory
from tests.factories.settlement import HOUR, acting, compute_draft, meter
from tests.settlement.triggers import drop_trigger, run

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 6, 1, 5, 0, tzinfo=datetime.UTC)
END = START + 3 * HOUR


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def contract(buyer, provider, fund, now) -> Contract:
    """Two units for three hours from 05:00, all metered in full: 2,000, 2,400 and 1,800 fen."""
    fund(buyer, 6200)
    draft = compute_draft(buyer, PoolFactory(facility__provider=provider), now=now)
    [opened] = open_contracts(drafts=[draft], now=now)
    meter(opened, now=END)
    return opened


def dispute_of(contract, *, hours=(0, 2), by=None, now=END, **values) -> Dispute:
    first, last = (START + hour * HOUR for hour in hours)
    return open_dispute(
        actor=acting(by or contract.buyer),
        contract_id=contract.pk,
        first_slot=first,
        last_slot=last,
        text="The machines were unreachable.",
        now=now,
        **values,
    )


def decide(dispute, operator, refund, *, now=END) -> Dispute:
    answer_dispute(
        actor=acting(dispute.contract.provider), dispute_id=dispute.pk, text="They were not.", now=now
    )
    actor = Actor(user=operator)
    return decide_dispute(actor=actor, dispute_id=dispute.pk, refund=refund, text="As logged.", now=now)


def status_of(contract) -> str:
    return Contract.objects.get(pk=contract.pk).status


def test_release_passes_over_what_is_disputed(contract, buyer, provider):
    dispute = dispute_of(contract)
    assert (dispute.amount, status_of(contract)) == (4400, Contract.Status.DISPUTED)
    assert [release(now=END), release(now=END)] == [1, 0]
    assert balance_of(buyer) == Balances(escrow=4400)
    assert balance_of(provider) == Balances(receivable=1764)


@pytest.mark.parametrize(
    ("refund", "back", "paid"), [(0, 0, 6076), (4400, 4400, 1764), (3000, 3000, 1764 + 1372)]
)
def test_the_decision_pays_refunds_or_splits(contract, buyer, provider, operator, refund, back, paid):
    dispute = dispute_of(contract)
    release(now=END)
    decided = decide(dispute, operator, refund)
    assert (decided.status, decided.refund, decided.decided_by) == (Dispute.Status.DECIDED, refund, operator)
    assert balance_of(buyer) == Balances(available=back)
    assert balance_of(provider) == Balances(receivable=paid)
    assert status_of(contract) == Contract.Status.COMPLETED
    kinds = list(DisputeMessage.objects.values_list("kind", flat=True))
    assert kinds == ["claim", "answer", "decision"]


def test_disputed_hours_to_come_go_on_after_a_decision_for_the_provider(contract, buyer, operator):
    dispute = dispute_of(contract, hours=(0, 3), now=START)
    decide(dispute, operator, 0, now=START + HOUR)
    assert status_of(contract) == Contract.Status.ACTIVE
    assert balance_of(buyer) == Balances(escrow=4200)
    assert release(now=END) == 2


def test_a_paid_hour_can_still_be_disputed(contract, buyer, provider, operator, settings):
    release(now=END)
    dispute = dispute_of(contract, hours=(0, 1))
    assert status_of(contract) == Contract.Status.COMPLETED
    decide(dispute, operator, 1000)
    assert balance_of(buyer) == Balances(available=1000)
    assert balance_of(provider) == Balances(receivable=6076 - 980)
    late = END + datetime.timedelta(days=settings.DISPUTE_WINDOW_DAYS, seconds=1)
    with pytest.raises(DisputeRefused):
        dispute_of(contract, hours=(1, 2), now=late)


def test_a_paid_hour_on_which_a_decision_gave_back_is_not_disputed_again(contract, operator):
    release(now=END)
    decide(dispute_of(contract, hours=(0, 1), amount=500), operator, 300)
    with pytest.raises(DisputeRefused):
        dispute_of(contract, hours=(0, 1))


def test_an_amount_alone_freezes_the_latest_hours_that_cover_it(contract, buyer):
    dispute = open_dispute(
        actor=acting(buyer), contract_id=contract.pk, amount=2000, text="Too slow.", now=END
    )
    assert (dispute.amount, dispute.slots) == (2000, [START + HOUR, START + 2 * HOUR])
    with pytest.raises(DisputeRefused):
        open_dispute(actor=acting(buyer), contract_id=contract.pk, amount=2001, text="More.", now=END)


def test_an_hour_is_in_one_dispute_at_a_time(contract, provider):
    dispute_of(contract)
    with pytest.raises(DisputeRefused):
        dispute_of(contract, hours=(1, 3), by=provider)
    dispute_of(contract, hours=(2, 3), by=provider)


def test_two_disputes_both_hold_the_contract(contract, operator, provider):
    first, second = dispute_of(contract, hours=(0, 1)), dispute_of(contract, hours=(1, 2))
    decide(first, operator, 0)
    assert status_of(contract) == Contract.Status.DISPUTED
    decide(second, operator, 0)
    assert status_of(contract) == Contract.Status.ACTIVE


def test_nothing_is_decided_before_the_answer_or_its_time(contract, operator, settings):
    dispute = dispute_of(contract)
    actor = Actor(user=operator)
    decision = {"actor": actor, "dispute_id": dispute.pk, "refund": 0, "text": "No answer came."}
    with pytest.raises(DisputeRefused):
        decide_dispute(**decision, now=END)
    for refund in (-1, 4401):
        with pytest.raises(DisputeRefused):
            decide_dispute(**decision | {"refund": refund}, now=dispute.answer_due_at)
    decide_dispute(**decision, now=dispute.answer_due_at)
    with pytest.raises(DisputeRefused, match="decided"):
        decide_dispute(**decision, now=dispute.answer_due_at)
    with pytest.raises(DisputeRefused, match="decided"):
        answer_dispute(actor=acting(contract.buyer), dispute_id=dispute.pk, text="But", now=END)


def test_only_parties_with_the_role_dispute_and_only_operators_decide(contract, buyer, stranger):
    strange = Actor(user=stranger.user, organisation=stranger.organisation)
    for actor in (acting(buyer, Role.VIEWER), acting(buyer, Role.ENGINEER), strange):
        with pytest.raises(NotAllowed):
            open_dispute(actor=actor, contract_id=contract.pk, amount=1, text="Mine.", now=END)
    dispute = dispute_of(contract)
    with pytest.raises(NotAllowed):
        answer_dispute(actor=strange, dispute_id=dispute.pk, text="Hello.", now=END)
    with pytest.raises(NotAllowed):
        decide_dispute(actor=acting(buyer), dispute_id=dispute.pk, refund=4400, text="Me.", now=END)


def test_the_other_party_is_written_to_and_both_hear_the_decision(contract, operator, buyer, provider):
    for organisation in (buyer, provider):
        acting(organisation)
        MemberFactory(organisation=organisation, role=Role.VIEWER)
    dispute = dispute_of(contract)
    [letter] = OutgoingEmail.objects.all()
    assert letter.to == acting(provider).user.email
    decide(dispute, operator, 100)
    decided = OutgoingEmail.objects.order_by("-pk")[:2]
    assert {each.to for each in decided} == {acting(buyer).user.email, acting(provider).user.email}
    assert "¥1.00" in decided[0].text


def test_the_thread_and_the_claim_cannot_be_rewritten(contract, operator):
    decide(dispute_of(contract), operator, 0)
    for table, trigger, forgery in [
        ("delivery_disputemessage", "append_only", "UPDATE delivery_disputemessage SET text = ''"),
        ("delivery_dispute", "decided_once", "UPDATE delivery_dispute SET refund = 1"),
    ]:
        with pytest.raises(Error, match=r"[Cc]annot (update|delete)"), transaction.atomic():
            run(forgery)
        drop_trigger(table, trigger)
        assert run(forgery) > 0


def file(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_evidence_is_told_by_its_content_and_kept_under_a_random_name(contract, tmp_path):
    good = [file("../../Übersicht.PDF", b"%PDF-1.7 ..."), file("gpu.log", "慢".encode())]
    dispute = dispute_of(contract, files=good)
    kept = list(dispute.messages.get().evidence.all())
    assert [each.name for each in kept] == ["Übersicht.PDF", "gpu.log"]
    assert all(each.file.path.startswith(f"{tmp_path}/disputes/") for each in kept)
    assert "bersicht" not in kept[0].file.name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.exe", b"MZ"),
        ("page.html", b"<script>"),
        ("not.pdf", b"<html>"),
        ("not.png", b"%PDF-"),
        ("binary.log", b"\x00\x01"),
        ("empty.txt", b""),
        ("large.txt", b"x" * 1001),
    ],
)
def test_what_is_not_evidence_opens_no_dispute(contract, settings, name, content):
    settings.EVIDENCE_MAX_BYTES = 1000
    with pytest.raises(InvalidInput), transaction.atomic():
        dispute_of(contract, files=[file(name, content)])
    assert not Dispute.objects.exists()
    assert status_of(contract) == Contract.Status.ACTIVE
