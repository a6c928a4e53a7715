"""A letter is written with its change, sent once, tried again when refused, and its text forgotten."""

import smtplib
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.core import mail

from accounts.models import OutgoingEmail
from accounts.operations import queue_email, send_queued_email

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(now: datetime) -> OutgoingEmail:
    return queue_email(to="ada@example.com", subject="Hello", text="A secret", now=now)


def test_a_letter_is_sent_once_and_its_text_forgotten(letter: OutgoingEmail, now: datetime) -> None:
    assert send_queued_email(letter_id=letter.pk, now=now)
    assert not send_queued_email(letter_id=letter.pk, now=now + timedelta(days=1))
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["ada@example.com"], "Hello", "A secret")
    letter.refresh_from_db()
    assert (letter.sent_at, letter.text) == (now, "")


def test_a_letter_that_the_server_refuses_is_tried_later(letter: OutgoingEmail, now: datetime) -> None:
    refusal = smtplib.SMTPServerDisconnected("gone")
    with mock.patch("accounts.operations.outgoing_email.send_mail", side_effect=refusal):
        assert not send_queued_email(letter_id=letter.pk, now=now)
    letter.refresh_from_db()
    assert (letter.last_error, letter.text, letter.sent_at) == ("gone", "A secret", None)
    assert not send_queued_email(letter_id=letter.pk, now=now + timedelta(minutes=1))
    assert send_queued_email(letter_id=letter.pk, now=now + timedelta(minutes=2))


def test_a_letter_whose_sender_was_killed_falls_due_again(letter: OutgoingEmail, now: datetime) -> None:
    with (
        mock.patch("accounts.operations.outgoing_email.send_mail", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        send_queued_email(letter_id=letter.pk, now=now)
    assert not send_queued_email(letter_id=letter.pk, now=now + timedelta(minutes=4))
    assert send_queued_email(letter_id=letter.pk, now=now + timedelta(minutes=5))


def test_a_letter_is_given_up_after_eight_attempts(letter: OutgoingEmail, now: datetime) -> None:
    with mock.patch("accounts.operations.outgoing_email.send_mail", side_effect=OSError("no route")):
        for days in range(1, 12):
            send_queued_email(letter_id=letter.pk, now=now + timedelta(days=days))
    letter.refresh_from_db()
    assert letter.attempts == OutgoingEmail.MOST_ATTEMPTS
