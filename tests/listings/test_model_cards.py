import pytest

from listings.cards import render_card


def test_markdown_becomes_html_below_the_pages_own_headings() -> None:
    html = render_card(
        "# Card\n\n**Bold**, ~~gone~~ and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n3. three\n"
    )
    assert "<h3>Card</h3>" in html
    assert "<strong>Bold</strong>" in html
    assert "<s>gone</s>" in html
    assert "<td>1</td>" in html
    assert '<ol start="3">' in html


def test_a_link_says_that_we_do_not_vouch_for_it() -> None:
    assert render_card("[paper](https://example.com/a?b=1&c=2)") == (
        '<p><a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">paper</a></p>\n'
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "[click](javascript:alert(1))",
        "[click](JaVaScRiPt:alert(1))",
        "[click](&#106;avascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
        "[click](vbscript:msgbox(1))",
        "![x](https://tracker.example/pixel.png)",
        "![x](javascript:alert(1))",
        "<a href='https://example.com' onclick='alert(1)'>x</a>",
        '[x](https://example.com "onmouseover=alert(1)")',
        "<style>body{display:none}</style>",
        "<form action=https://evil.example><input name=password></form>",
        "```html\n<script>alert(1)</script>\n```",
        '<https://example.com/" onclick="alert(1)>',
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img onerror=alert(1)&gt;">',
    ],
)
def test_no_card_runs_code_or_calls_home(attack: str) -> None:
    html = render_card(attack)
    for tag in ("<script", "<img", "<svg", "<iframe", "<style", "<form", "<input", "<math"):
        assert tag not in html
    for link in html.split('href="')[1:]:
        assert link.startswith(("https://", "http://", "mailto:")), html
    for opening in html.split("<")[1:]:
        tag = opening.split(">")[0]
        assert " on" not in tag.split('title="')[0], html


def test_an_empty_card_is_empty() -> None:
    assert render_card("") == ""
