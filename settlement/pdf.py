"""Documents as PDF, set by typst with a Chinese font that comes with the project's requirements."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import manimgx_fonts_cjk
import typst
from django.conf import settings

FONTS = Path(manimgx_fonts_cjk.__file__).parent
TEMPLATES = settings.BASE_DIR / "templates"


def render_pdf(template: str, data: Mapping[str, Any], *, language: str) -> bytes:
    """The PDF of a typst template under templates/, in `language`: a code of settings.LANGUAGES.

    The template reads `sys.inputs.data` (JSON: Decimals and dates as strings, ready to show) and
    `sys.inputs.language`, and sets its text in the font "Noto Sans CJK SC".
    """
    inputs = {"data": json.dumps(data, ensure_ascii=False), "language": language}
    pdf = typst.compile(
        TEMPLATES / template, root=TEMPLATES, font_paths=[FONTS], ignore_system_fonts=True, sys_inputs=inputs
    )
    assert isinstance(pdf, bytes), "several files come only of image formats"
    return pdf
