"""Every string that a reader sees is translated: without a catalogue entry, or outside a tag, one fails here.

Strings are collected from the sources as makemessages does, but with Django's `templatize` and Python's own
parser, so that no gettext is needed. What to do when a test fails: docs/pages.md, "Two languages".
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation.template import templatize

Key = tuple[str | None, str]  # context and message, the singular where there is a plural

ROOT = settings.BASE_DIR
PACKAGES = ["accounts", "listings", "marketplace", "settlement"]
PYTHON = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt"))
CATALOGUES = [Path(path) / "zh_Hans/LC_MESSAGES/django.po" for path in settings.LOCALE_PATHS]
OWN = polib.pofile(str(CATALOGUES[0]))

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>")
LITERAL = r"\s*u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")\s*,?"
CALL = re.compile(rf"(n?p?gettext|_)\(((?:{LITERAL})+)\s*(?:count)?\)")


HAN = "[一-鿿]"
SLIP = re.compile(rf"{HAN} {HAN}|{HAN}[,;:?!()]|[,;:?!()]{HAN}|{HAN}[0-9A-Za-z]|[0-9A-Za-z]{HAN}")
FOR_YESNO = "allowed,not allowed"  # A filter's argument: its comma parts the two words.


def badly_set(text: str) -> list[str]:
    """Half-width marks in Chinese, a space between Chinese words, none beside figures or Latin letters."""
    return SLIP.findall(PLACEHOLDER.sub("", text))


def key_of(function: str, arguments: list[str]) -> Key:
    return (arguments[0], arguments[1]) if "pgettext" in function else (None, arguments[0])


def strings_in_python(source: str) -> set[Key]:
    """Whatever the translating functions are called here; each must be given the string itself."""
    tree = ast.parse(source)
    functions = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }
    calls = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions
    )
    return {
        key_of(functions[call.func.id], [ast.literal_eval(each) for each in call.args[:2]]) for call in calls
    }


def strings_in_template(source: str) -> set[Key]:
    return {
        key_of(function, list(ast.literal_eval(f"[{arguments.rstrip(', ')}]")))
        for function, arguments in CALL.findall(templatize(source))
    }


def strings_in_sources() -> dict[Key, str]:
    """Every string, with the first file that has it."""
    found: dict[Key, str] = {}
    for paths, strings_in in ((PYTHON, strings_in_python), (TEMPLATES, strings_in_template)):
        for path in paths:
            for key in strings_in(path.read_text()):
                found.setdefault(key, str(path.relative_to(ROOT)))
    return found


def test_the_sources_have_no_string_that_the_catalogue_lacks() -> None:
    known = {(entry.msgctxt, entry.msgid) for entry in OWN if not entry.obsolete}
    found = strings_in_sources()
    assert len(found) > 1000
    assert {key: where for key, where in found.items() if key not in known} == {}


def test_a_new_string_is_found_whatever_its_function_is_called() -> None:
    imports = "from django.utils.translation import gettext as say, pgettext_lazy as at"
    source = f"{imports}\nsay('new')\nat('here', 'new')"
    assert strings_in_python(source) == {(None, "new"), ("here", "new")}
    tags = """{% translate "one" %}{% translate "two" context "here" %}{{ nothing|default:_("three") }}
    {% blocktranslate count n=n %}{{ n }} unit{% plural %}{{ n }} units{% endblocktranslate %}"""
    assert strings_in_template(tags) == {
        (None, "one"), ("here", "two"), (None, "three"), (None, "%(n)s unit"),
    }  # fmt: skip


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-4])
class TestCatalogue:
    def test_nothing_is_untranslated_fuzzy_or_left_over(self, path: Path) -> None:
        catalogue = polib.pofile(str(path))
        assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
        assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []
        assert [entry.msgid for entry in catalogue.obsolete_entries()] == []

    def test_placeholders_and_tags_are_those_of_the_message(self, path: Path) -> None:
        def parts(text: str) -> set[str]:
            return set(PLACEHOLDER.findall(text))

        wrong = [
            (entry.msgid, text)
            for entry in polib.pofile(str(path))
            for text in translations(entry)
            if parts(text) != parts(entry.msgid_plural or entry.msgid)
        ]
        assert wrong == []

    def test_chinese_is_set_as_chinese(self, path: Path) -> None:
        wrong = [
            (text, badly_set(text))
            for entry in polib.pofile(str(path))
            for text in translations(entry)
            if entry.msgid != FOR_YESNO and badly_set(text)
        ]
        assert wrong == []

    def test_the_compiled_catalogue_is_up_to_date(self, path: Path) -> None:
        def content(catalogue: polib.POFile | polib.MOFile) -> dict[Key, list[str]]:
            return {(entry.msgctxt, entry.msgid): translations(entry) for entry in catalogue}

        assert content(polib.mofile(str(path.with_suffix(".mo")))) == content(polib.pofile(str(path)))


def test_badly_set_chinese_is_found() -> None:
    assert badly_set("合同 终止,共3小时(GPU卡)") == ["同 终", "止,", "共3", "时(", "U卡"]
    assert badly_set("%(organisation)s以账单 %(number)s 计收 3 小时，共 %(count)s 笔（GPU 卡）：100%") == []


SHOWN_ATTRIBUTES = {"alt", "aria-label", "data-confirm", "data-label", "placeholder", "title"}
SAME_IN_BOTH = {"GB", "PUE", "SHA", "TFLOPS"}
TAG = re.compile(
    r"{%\s*blocktranslate.*?endblocktranslate\s*%}|{%\s*comment.*?endcomment\s*%}|{%.*?%}|{{.*?}}|{#.*?#}",
    re.S,
)


class Words(HTMLParser):
    """The words of a template that stand outside its tags, where nobody translates them."""

    def __init__(self) -> None:
        super().__init__()
        self.code = 0
        self.found: list[str] = []

    def keep(self, text: str | None) -> None:
        words = re.findall(r"[A-Za-z]{2,}", text or "")
        self.found += [word for word in words if word not in SAME_IN_BOTH]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.code += tag in ("code", "pre", "script")
        for name, value in attributes:
            if name in SHOWN_ATTRIBUTES:
                self.keep(value)

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in ("code", "pre", "script")

    def handle_data(self, text: str) -> None:
        if not self.code:
            self.keep(text)


def untagged_words(source: str) -> list[str]:
    words = Words()
    words.feed(TAG.sub("", source))
    words.close()
    return words.found


def untagged() -> Iterator[tuple[str, list[str]]]:
    for path in TEMPLATES:
        if found := untagged_words(path.read_text()):
            yield str(path.relative_to(ROOT)), found


def test_no_template_has_words_outside_its_tags() -> None:
    assert dict(untagged()) == {}


def test_words_outside_tags_are_found() -> None:
    source = (
        """<p title="Left over">{% translate "Fine" %} · Forgotten {{ n }} GB</p><code>pip install</code>"""
    )
    assert untagged_words(source) == ["Left", "over", "Forgotten"]
