"""Colours of charts and pages, light and dark, as one style sheet of classes.

Detectors have the hue of their family and a shade of it, the same in every chart: the hues are told apart by
colour-blind eyes (10 or more of CIEDE2000 between any two, as simulated after Machado, Oliveira and Fernandes 2009),
shades and markers tell the rest. Numbers of a heat map have the classes `h0` to `h100`, shares `s0` to `s100`, in
percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.charts.typefaces import BOLD, FAMILY

Rgb = tuple[int, int, int]
_SHADES = (0.0, 0.4, 0.65)  # of one hue, towards the far end of the grounds
MOST_SHADES = len(_SHADES)  # then they begin anew
HUES = {  # by family: on light ground, on dark ground
    "gradients": ("#5b3f11", "#e3da71"),
    "frequency": ("#3475d0", "#0082fe"),
    "noise residual": ("#008838", "#00c074"),
    "network": ("#db3a03", "#f47a16"),
    "foundation": ("#802856", "#b46e93"),
    "zero-shot": ("#3a8363", "#7decc2"),
    "composite": ("#7c008a", "#c18cc3"),
    "baseline": ("#6e6e77", "#bdbdc5"),
}
_OTHERS = ("#6f588b", "#a0a3ff")
_INKS = {  # by role: on light ground, on dark ground
    "ground": ("#ffffff", "#17171a"),
    "raised": ("#f6f6f4", "#202024"),
    "line": ("#e2e2de", "#34343a"),
    "ink": ("#1f1f24", "#ececf0"),
    "faint": ("#62626b", "#a3a3ad"),
    "accent": ("#1b5e78", "#7cc4dd"),
    "warn": ("#a33c12", "#ff9a70"),
    "missing": ("#e6e6e3", "#2c2c31"),
}
# From below chance over chance to faultless; most accuracies lie in the upper half, so it has more steps.
_STOPS = (0.0, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0)
_ACCURACIES = (
    ((140, 45, 25), (224, 140, 100), (250, 247, 240), (216, 233, 228), (126, 187, 186), (34, 116, 138), (14, 58, 88)),
    ((255, 150, 110), (150, 84, 62), (40, 40, 44), (38, 58, 64), (40, 100, 112), (92, 172, 184), (186, 232, 236)),
)
_SHARE_STOPS = (0.0, 0.08, 0.3, 0.65, 1.0)  # small shares are many, and are to be seen
_DARK_TEXT, _LIGHT_TEXT = "#000000", "#ffffff"  # one of them has a contrast of 4.5 with any colour
_STEPS = 100
_MISSING = (225, 225, 225)


class DetectorHue(NamedTuple):
    """The class of a detector's colour and the number of its marker."""

    css: str
    marker: int


def hues_of(families: Mapping[str, str]) -> dict[str, DetectorHue]:
    """The colour and the marker of each detector.

    Args:
        families: The family of each detector, by name; the shades of a family follow their order.
    """
    counts: dict[int, int] = {}
    known = list(HUES)
    found = {}
    for detector, family in families.items():
        hue = known.index(family) if family in HUES else len(known)
        shade = counts.get(hue, 0)
        counts[hue] = shade + 1
        found[detector] = DetectorHue(f"c{hue}-{shade % MOST_SHADES}", shade)
    return found


def page_style() -> str:
    """The classes with variables, which follow the colour scheme of the reader; light on paper."""
    light, dark = _variables(0), _variables(1)
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}"
        f"@media print{{:root,:root[data-theme=dark]{{{light}}}}}"
        f"{_rules()}"
    )


def standalone_style(*, dark: bool) -> str:
    """The classes with the colours of one ground, for a file of SVG."""
    values, rules = _values(int(dark)), _rules()
    for name in sorted(values, key=len, reverse=True):
        rules = rules.replace(f"var(--{name})", values[name])
    return rules


def _variables(ground: int) -> str:
    return "".join(f"--{name}:{value};" for name, value in _values(ground).items())


def _values(ground: int) -> dict[str, str]:
    """The value of every variable on light (0) or dark (1) ground."""
    found = {name: colours[ground] for name, colours in _INKS.items()}
    for hue, colours in enumerate([*HUES.values(), _OTHERS]):
        found |= {f"c{hue}-{shade}": _shade(colours[ground], shade, ground) for shade in range(MOST_SHADES)}
    for step in range(_STEPS + 1):
        for kind, colour in (("h", _accuracy(step / _STEPS, ground)), ("s", _share(step / _STEPS, ground))):
            found |= {f"{kind}{step}": _hex(colour), f"{kind}t{step}": _text_on(colour)}
    return found


def _rules() -> str:
    """The style of every class."""
    shades = (f"c{hue}-{shade}" for hue in range(len(HUES) + 1) for shade in range(MOST_SHADES))
    steps = (f"{kind}{step}" for kind in "hs" for step in range(_STEPS + 1))
    return "".join((*_TEXT_RULES, *_shade_rules(shades), *_step_rules(steps)))


_TEXT_RULES = (
    f"svg text{{font:12px {FAMILY};fill:var(--ink)}}",
    f"svg text.title{{font-size:15px;font-weight:{BOLD.number}}}",
    "svg text.small{font-size:10.5px}svg text.tiny{font-size:9px}svg text.number{font-size:10.5px}",
    f"svg text.bold{{font-weight:{BOLD.number}}}",
    "svg text.faint{fill:var(--faint)}",
    ".ground{fill:var(--ground)}.missing{fill:var(--missing)}",
    ".grid{stroke:var(--line);stroke-width:1;fill:none}",
    ".axis{stroke:var(--faint);stroke-width:1;fill:none}",
    ".chance{stroke:var(--faint);stroke-width:1;stroke-dasharray:4 3;fill:none}",
    ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round}",
    ".whisker{stroke-width:1.2;stroke-opacity:.55}",
    ".mark{stroke:var(--ground);stroke-width:1}",
    ".bar{stroke-width:2;stroke-linecap:round;fill:none}",
    ".wide{stroke-width:1.2}",
    ".member{fill:var(--ink);stroke:none}",
    ".lead{stroke:var(--faint);stroke-width:.8;fill:none}",
)


def _shade_rules(names: Iterable[str]) -> Sequence[str]:
    return [
        f".{name}{{stroke:var(--{name})}}.mark.{name},text.{name}{{fill:var(--{name})}}"
        f".mark.{name}{{stroke:var(--ground)}}text.{name}{{stroke:none}}"
        for name in names
    ]


def _step_rules(names: Iterable[str]) -> Sequence[str]:
    return [f".{name}{{fill:var(--{name})}}svg text.{name}{{fill:var(--{name[0]}t{name[1:]})}}" for name in names]


def _shade(colour: str, shade: int, ground: int) -> str:
    """A shade of a hue, ever further from the ground."""
    start, end = np.array(_rgb(colour), float), np.full(3, 255.0 * ground)
    red, green, blue = np.rint(start + _SHADES[shade] * (end - start)).astype(int).tolist()
    return _hex((red, green, blue))


def accuracy_colour(accuracy: float) -> Rgb:
    """Red, green and blue in 0 to 255 for an accuracy in [0, 1] on light ground, around 0.5; grey for NaN."""
    return _MISSING if np.isnan(accuracy) else _accuracy(accuracy, 0)


def text_colour(background: Rgb) -> Rgb:
    """The colour of text on a background: dark or light, whichever has more contrast."""
    return _rgb(_text_on(background))


def _accuracy(value: float, ground: int) -> Rgb:
    return _between(value, _STOPS, _ACCURACIES[ground])


def _share(value: float, ground: int) -> Rgb:
    return _between(value, _SHARE_STOPS, _ACCURACIES[ground][2:])


def _between(value: float, stops: Sequence[float], colours: Sequence[Rgb]) -> Rgb:
    """The colour of a value between those of the stops around it."""
    red, green, blue = (round(float(np.interp(value, stops, channel))) for channel in zip(*colours, strict=True))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def _text_on(colour: Rgb) -> str:
    """Dark or light text, whichever has more contrast."""
    return max((_DARK_TEXT, _LIGHT_TEXT), key=lambda text: contrast(text, _hex(colour)))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours "#rrggbb", from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance in [0, 1] (WCAG 2.2)."""
    parts = [part / 255 for part in _rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))
