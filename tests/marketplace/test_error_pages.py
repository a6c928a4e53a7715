"""A page that cannot be shown says what to do next."""

import pytest
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.urls import path


def fail(_request):
    raise RuntimeError("on purpose")


urlpatterns = [path("fail/", fail)]


@pytest.mark.django_db
def test_not_found_offers_a_way_on(client):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert 'href="/market/"' in response.content.decode()


@pytest.mark.django_db
def test_an_untrusted_form_is_asked_for_again():
    client = Client(enforce_csrf_checks=True)
    response = client.post("/language/", {"language": "en"})
    assert response.status_code == 403
    assert "send it again" in response.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_a_fault_gets_a_page_that_needs_no_database():
    response = Client(raise_request_exception=False).get("/fail/")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


def test_the_page_of_a_fault_needs_no_context():
    assert "Something went wrong" in render_to_string("500.html")


@pytest.mark.django_db
def test_a_browser_is_led_from_an_address_for_forms_alone_to_the_page_above(client):
    browser = {"Sec-Fetch-Mode": "navigate"}
    forms_alone = "/contracts/SP-2026-000001/delivery/access/show/"
    assert client.get(forms_alone).status_code == 405
    assert client.get(forms_alone, headers=browser).url == "/contracts/SP-2026-000001/delivery/access/"
    assert client.get("/balance/payouts/ask/", headers=browser).url == "/balance/payouts/"
    assert client.get("/language/", headers=browser).url == "/"
