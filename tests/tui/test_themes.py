"""Which theme a terminal gets, and that each can be shown."""

from __future__ import annotations

import pytest
from proctor.tui.themes import ANSI, COLOUR_BLIND, DARK, LIGHT, THEME_WORDS, THEMES, choose_theme, native_ansi

FULL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        (FULL, DARK),
        ({"TERM": "tmux-256color"}, DARK),
        ({}, DARK),
        (FULL | {"NO_COLOR": "1"}, ANSI),
        (FULL | {"NO_COLOR": ""}, ANSI),
        (FULL | {"COLORFGBG": "0;15"}, LIGHT),
        (FULL | {"COLORFGBG": "0;default;15"}, LIGHT),
        (FULL | {"COLORFGBG": "15;0"}, DARK),
        (FULL | {"COLORFGBG": "nonsense"}, DARK),
        ({"TERM": "linux"}, ANSI),
        ({"TERM": "vt100"}, ANSI),
        ({"TERM": "xterm"}, ANSI),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, DARK),
    ],
)
def test_the_environment_chooses_the_theme(environ: dict[str, str], theme: str) -> None:
    assert choose_theme(environ) == theme


def test_what_the_user_chose_comes_before_the_background_and_after_what_the_terminal_can() -> None:
    assert choose_theme(FULL | {"COLORFGBG": "0;15"}, COLOUR_BLIND) == COLOUR_BLIND
    assert choose_theme(FULL, "gone with an older version") == DARK
    assert choose_theme(FULL | {"NO_COLOR": ""}, LIGHT) == ANSI
    assert choose_theme({"TERM": "linux"}, LIGHT) == ANSI


def test_every_theme_can_be_chosen_by_what_it_is() -> None:
    assert list(THEME_WORDS) == list(THEMES)


def test_no_color_keeps_to_the_terminals_own_colours() -> None:
    assert native_ansi(FULL) is None
    assert native_ansi(FULL | {"NO_COLOR": "1"}) is True


def test_themes_go_by_their_names() -> None:
    assert list(THEMES) == [DARK, LIGHT, ANSI, COLOUR_BLIND] == [theme.name for theme in THEMES.values()]


def test_the_colour_blind_theme_tells_good_from_bad_without_red_and_green() -> None:
    def channels(color: str) -> tuple[int, int, int]:
        return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)

    theme = THEMES[COLOUR_BLIND]
    assert theme.success and theme.error
    good, bad = channels(theme.success), channels(theme.error)
    assert abs(good[2] - bad[2]) > 128, "blue is what red-green blindness leaves"


@pytest.mark.parametrize("name", list(THEMES))
def test_every_tone_differs_from_plain_text(name: str) -> None:
    colors = THEMES[name].to_color_system().generate()
    tones = [colors[f"text-{tone}"] for tone in ("success", "error", "warning")]
    assert len({colors["foreground"], *tones}) == 4
