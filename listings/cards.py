"""Model cards: Markdown that anyone may write, shown as HTML that nobody can abuse."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# A card sits under a page's own first two headings. Images are left out: they would call other servers.
HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
TAGS = set(HEADINGS.values()) | set(
    "p br hr em strong s code pre blockquote ul ol li a table thead tbody tr th td".split()  # noqa: SIM905
)


def render_card(markdown: str) -> SafeString:
    """The card as safe HTML. Sanitised after rendering, so that no fault of the renderer is one of ours."""
    tokens = MARKDOWN.parse(markdown)
    for token in tokens:
        token.tag = HEADINGS.get(token.tag, token.tag)
    html = nh3.clean(
        MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}),
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return mark_safe(html)
