"""Pages run nothing inline and fetch nothing from elsewhere, and say so to the browser."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from marketplace.middleware import content_security_policy

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STATIC = settings.BASE_DIR / "marketplace" / "static"
FORBIDDEN = {
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "an inline style": re.compile(r"<style|\sstyle=", re.I),
    "an event handler": re.compile(r"\son[a-z]+=|hx-on", re.I),
    "a script address": re.compile(r"javascript:", re.I),
    "somebody else's file": re.compile(
        r"(?:src|href)=[\"'](?:https?:)?//[^\"']+\.(?:js|css|woff2?|png|svg)", re.I
    ),
}


@pytest.mark.django_db
def test_every_page_carries_the_policy(client):
    policy = client.get("/market/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert client.get("/nowhere/").headers["Content-Security-Policy"] == policy


def test_a_view_may_set_its_own():
    def view(_request):
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    response = content_security_policy(view)(RequestFactory().get("/"))
    assert response.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_templates_keep_to_it(template: Path):
    text = template.read_text()
    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]
    assert found == []


def test_the_forbidden_would_be_found():
    samples = [
        "<script>alert(1)</script>",
        '<p style="color: red">',
        '<a onclick="x()">',
        '<a href="javascript:x()">',
        '<script src="https://cdn.example/x.js"></script>',
    ]
    for sample, pattern in zip(samples, FORBIDDEN.values(), strict=True):
        assert pattern.search(sample)


@pytest.mark.parametrize("sheet", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_stylesheets_fetch_nothing_from_elsewhere(sheet: Path):
    text = sheet.read_text()
    assert "@import" not in text
    assert [
        url for url in re.findall(r"url\(([^)]*)\)", text) if not url.strip("\"'").startswith("data:")
    ] == []


def test_every_icon_that_templates_name_is_in_the_sprite():
    sprite = (STATIC / "vendor" / "tabler-icons" / "sprite.svg").read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {name for path in TEMPLATES for name in re.findall(r"{% icon \"([^\"]+)\"", path.read_text())}
    named |= {name for path in TEMPLATES for name in re.findall(r"with icon=\"([^\"]+)\"", path.read_text())}
    assert named - known == set()
