"""Whatever colour somebody chooses, the form that has it can be read in both schemes."""

import re
from pathlib import Path

import pytest
from coloraide import Color
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rating.domain import form_colours as module
from rating.domain.form_colours import DARK_PAGE, INK, LIGHT_PAGE, WHITE, Moved, form_colours, ratio

ROOT = Path(__file__).parents[3]
TEXTS = {LIGHT_PAGE: "#15181b", DARK_PAGE: "#e9ecee"}
HEX = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def assert_readable(chosen: str) -> None:
    colours = form_colours(chosen)
    for scheme, page in ((colours.light, LIGHT_PAGE), (colours.dark, DARK_PAGE)):
        assert scheme.on_accent in {WHITE, INK}
        assert ratio(scheme.accent, page) == scheme.page_ratio >= 3
        assert ratio(scheme.on_accent, scheme.accent) == scheme.text_ratio >= 4.5
        assert ratio(scheme.hover, page) >= 3
        assert ratio(scheme.on_accent, scheme.hover) >= 4.5
        assert ratio(TEXTS[page], scheme.soft) >= 4.5
        assert (scheme.moved is None) == (scheme.accent == chosen)
        for each in (scheme.accent, scheme.hover, scheme.soft):
            assert re.fullmatch("#[0-9a-f]{6}", each)


@given(HEX)
@example("#808080")
@example("#7f7f7f")
@example("#000000")
@example("#ffffff")
@settings(max_examples=150)
def test_every_colour_makes_a_form_that_can_be_read(chosen: str) -> None:
    assert_readable(chosen)


@pytest.mark.parametrize("hue", range(0, 360, 10))
def test_every_hue_stays_what_it_is(hue: int) -> None:
    for lightness in (0.3, 0.6, 0.75, 0.95):
        colour = Color("oklch", [lightness, 0.12, hue]).fit("srgb", method="raytrace").convert("srgb")
        chosen = colour.to_string(hex=True)
        assert_readable(chosen)
        before = Color(chosen).convert("oklch")
        for scheme in (form_colours(chosen).light, form_colours(chosen).dark):
            after = Color(scheme.accent).convert("oklch")
            if min(before["chroma"], after["chroma"]) > 0.03:  # what is nearly grey has no hue to speak of
                turned = abs((after["hue"] - before["hue"] + 180) % 360 - 180)
                assert turned < 4, (chosen, scheme.accent)


@pytest.mark.parametrize(
    ("chosen", "light", "dark"),
    [
        ("#0b6664", None, Moved.LIGHTER),
        ("#ffe600", Moved.DARKER, None),
        ("#ff0000", Moved.LIGHTER, Moved.LIGHTER),
        ("#000000", None, Moved.LIGHTER),
        ("#ffffff", Moved.DARKER, None),
    ],
)
def test_it_is_moved_only_where_it_has_to_be(chosen: str, light: Moved | None, dark: Moved | None) -> None:
    colours = form_colours(chosen)
    assert (colours.light.moved, colours.dark.moved) == (light, dark)


def test_no_nearer_colour_would_do() -> None:
    nearer = module._with_lightness("#ffe600", module._lightness(form_colours("#ffe600").light.accent) + 0.01)
    assert ratio(nearer, LIGHT_PAGE) < 3


def test_the_pages_are_as_their_tokens_have_them() -> None:
    light, dark = (ROOT / "chassis/ui/src/tokens.css").read_text().split('[data-theme="dark"] {')
    for css, page in ((light, LIGHT_PAGE), (dark, DARK_PAGE)):
        assert f"--bg: {page};" in css
        assert f"--text: {TEXTS[page]};" in css
    assert TEXTS[LIGHT_PAGE] == INK
