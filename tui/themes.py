"""The colours of the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = "dark"
LIGHT = "light"
ANSI = "ansi"
COLOUR_BLIND = "colour-blind"

# The Okabe-Ito palette (Okabe & Ito 2008, "Color Universal Design"): told apart with protan, deutan and tritan sight.
_OKABE_ITO = {"success": "#56B4E9", "warning": "#F0E442", "error": "#D55E00", "accent": "#CC79A7"}

# On the terminal's own foreground and background, whichever they are: what is selected is reversed, not coloured.
_OWN_COLOURS = {
    "block-cursor-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "reverse",
    "block-cursor-blurred-text-style": "bold",
    "border-blurred": "ansi_bright_black",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
}

_DARK = BUILTIN_THEMES["textual-dark"]
_ANSI = BUILTIN_THEMES["ansi-dark"]

THEMES: dict[str, Theme] = {
    DARK: replace(_DARK, name=DARK),
    LIGHT: replace(BUILTIN_THEMES["textual-light"], name=LIGHT),
    ANSI: replace(_ANSI, name=ANSI, accent="ansi_magenta", variables={**_ANSI.variables, **_OWN_COLOURS}),
    COLOUR_BLIND: replace(_DARK, name=COLOUR_BLIND, primary="#0072B2", **_OKABE_ITO),
}

THEME_WORDS: dict[str, str] = {
    DARK: "light on dark",
    LIGHT: "dark on light",
    ANSI: "the terminal's own 16 colours",
    COLOUR_BLIND: "dark; good and bad are told apart without red and green",
}

_FEW_COLOURS = ("linux", "ansi", "cygwin", "vt", "xterm-16color", "screen-16color", "rxvt-16color")


def native_ansi(environ: Mapping[str, str]) -> bool | None:
    """What `App(ansi_color=…)` must be given.

    Textual chooses how to take colours out when the application is made, before it has our theme: without this,
    `NO_COLOR` makes the terminal's own colours black on black.
    """
    return True if "NO_COLOR" in environ else None


def forced_theme(environ: Mapping[str, str]) -> str | None:
    """The theme that a terminal without many colours, or a user without a wish for any, leaves; `None` for all.

    Args:
        environ: `NO_COLOR` (https://no-color.org), `TERM` and `COLORTERM` are looked at.
    """
    if "NO_COLOR" in environ:  # empty, too: so does Textual, which takes the colours out
        return ANSI
    if environ.get("COLORTERM", "").lower() not in ("truecolor", "24bit"):
        term = environ.get("TERM", "")
        if term == "xterm" or term.startswith(_FEW_COLOURS):
            return ANSI
    return None


def choose_theme(environ: Mapping[str, str], remembered: str = "") -> str:
    """The name of the theme to begin with.

    Args:
        environ: As for `forced_theme`, which comes first; then `COLORFGBG` where nothing is remembered.
        remembered: The name of the theme that the user chose last; it may be none of ours.
    """
    if (forced := forced_theme(environ)) is not None:
        return forced
    if remembered in THEMES:
        return remembered
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if background in ("7", "15") else DARK
