"""A document's PDF: set in the font that the project brings, whatever the machine has."""

from pathlib import Path

import pytest
import typst

from settlement import pdf

TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
#set text(font: "Noto Sans CJK SC", lang: sys.inputs.language)
= #data.title
"""


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pdf, "TEMPLATES", tmp_path)
    return tmp_path


def test_chinese_is_set_in_the_font_that_comes_with_the_project(templates: Path) -> None:
    (templates / "paper.typ").write_text(TEMPLATE)
    paper = pdf.render_pdf("paper.typ", {"title": "算力合同"}, language="zh")
    assert paper.startswith(b"%PDF-")
    assert b"NotoSansCJKsc" in paper


def test_a_template_reads_nothing_outside_its_folder(templates: Path) -> None:
    (templates / "paper.typ").write_text('#read("/../secret")')
    (templates.parent / "secret").write_text("secret")
    with pytest.raises(typst.TypstError):
        pdf.render_pdf("paper.typ", {}, language="en")
