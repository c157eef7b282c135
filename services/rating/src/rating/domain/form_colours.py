"""A form's colours: one is chosen, and each scheme has it so that everybody can read the form.

Ratios are those of WCAG 2.2 (1.4.3 and 1.4.11). Lightness is moved in OKLCH; the hue stays, and the chroma as
far as sRGB has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from coloraide import Color

LEAST_ON_PAGE: Final = 3.0
LEAST_OF_TEXT: Final = 4.5

WHITE: Final = "#ffffff"
INK: Final = "#15181b"
LIGHT_PAGE: Final = "#ffffff"
DARK_PAGE: Final = "#14171a"
"""The backgrounds, and the dark text, are those of the pages' `tokens.css`."""

_STEP: Final = 0.01
_HOVER_STEP: Final = 0.07
_LIGHT_TINT, _DARK_TINT = 0.12, 0.2


class Moved(StrEnum):
    """Where the colour that was chosen had to go."""

    DARKER = "darker"
    LIGHTER = "lighter"


@dataclass(frozen=True)
class SchemeColours:
    """The colours of one scheme, as "#rrggbb".

    `accent` is that of controls and stars, `on_accent` that of text on it, `hover` what the accent is under a
    pointer, `soft` a background with a touch of it. `page_ratio` is that of the accent on the page,
    `text_ratio` that of the text on the accent.
    """

    accent: str
    hover: str
    soft: str
    on_accent: str
    page_ratio: float
    text_ratio: float
    moved: Moved | None


@dataclass(frozen=True)
class FormColours:
    """A form's colours in both schemes."""

    light: SchemeColours
    dark: SchemeColours


@lru_cache(1_000)
def form_colours(chosen: str) -> FormColours:
    """The colours of a form with this accent, "#rrggbb"."""
    return FormColours(_scheme(chosen, LIGHT_PAGE, _LIGHT_TINT), _scheme(chosen, DARK_PAGE, _DARK_TINT))


def _scheme(chosen: str, page: str, tint: float) -> SchemeColours:
    accent = next(each for each in _nearest(chosen) if _is_readable(each, _text_on(each), page))
    on_accent, before, after = _text_on(accent), _lightness(chosen), _lightness(accent)
    return SchemeColours(
        accent=accent,
        hover=_hover(accent, on_accent, page),
        soft=Color(page).mix(accent, tint, space="oklab").convert("srgb").to_string(hex=True),
        on_accent=on_accent,
        page_ratio=ratio(accent, page),
        text_ratio=ratio(on_accent, accent),
        moved=None if accent == chosen else Moved.DARKER if after < before else Moved.LIGHTER,
    )


def ratio(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    return Color(one).contrast(other, method="wcag21")


def _is_readable(accent: str, text: str, page: str) -> bool:
    return ratio(accent, page) >= LEAST_ON_PAGE and ratio(text, accent) >= LEAST_OF_TEXT


def _text_on(accent: str) -> str:
    return max(WHITE, INK, key=lambda text: ratio(text, accent))


def _nearest(chosen: str) -> Iterator[str]:
    """The colour, then ever lighter and darker ones to white and black, the nearest first."""
    yield chosen
    lightness = _lightness(chosen)
    for step in range(1, round(1 / _STEP) + 1):
        for to in (lightness - step * _STEP, lightness + step * _STEP):
            if -_STEP < to < 1 + _STEP:
                yield _with_lightness(chosen, to)


def _hover(accent: str, text: str, page: str) -> str:
    """A little darker or lighter, further from the text if that is as readable; else the accent itself."""
    away = -_HOVER_STEP if text == WHITE else _HOVER_STEP
    candidates = [_with_lightness(accent, _lightness(accent) + step) for step in (away, -away)]
    readable = (each for each in candidates if each != accent and _is_readable(each, text, page))
    return next(readable, accent)


def _lightness(colour: str) -> float:
    return float(Color(colour).convert("oklch")["lightness"])


def _with_lightness(colour: str, lightness: float) -> str:
    moved = Color(colour).convert("oklch").set("lightness", min(max(lightness, 0), 1))
    return moved.fit("srgb", method="raytrace").convert("srgb").to_string(hex=True)
