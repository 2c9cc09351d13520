"""Which kinds of degradation there are: the built-in ones, and those of other packages by their entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from protocols.degradations.blur import BLUR
from protocols.degradations.codecs import AVIF, HEIC, JP2, JXL, WEBP
from protocols.degradations.geometry import CROP
from protocols.degradations.jpeg import CANONICAL, JPEG, JPEG_FALLING, JPEG_SHIFTED
from protocols.degradations.kind import NONE, DegradationKind, UnknownDegradation
from protocols.degradations.resampling import LOW_RESOLUTION

GROUP = "lineup.degradations"
BUILT_IN: Mapping[str, DegradationKind] = {
    "jpeg": JPEG,
    "blur": BLUR,
    "lr": LOW_RESOLUTION,
    "crop": CROP,
    "canonical": CANONICAL,
    "jpeg_shifted": JPEG_SHIFTED,
    "jpeg_falling": JPEG_FALLING,
    "webp": WEBP,
    "avif": AVIF,
    "jp2": JP2,
    "heic": HEIC,
    "jxl": JXL,
}


def find(name: str) -> DegradationKind | None:
    """The kind of that name, or None where there is none.

    Raises:
        UnknownDegradation: Two packages give one name, or the kind of another package cannot be loaded.
    """
    plugins = _plugins()
    if name in BUILT_IN:
        return BUILT_IN[name]
    return _plugin_kind(name) if name in plugins else None


def names() -> list[str]:
    """Names of every kind, the built-in ones first. Raises `UnknownDegradation` where packages share a name."""
    return [*BUILT_IN, *_plugins()]


def usages() -> list[str]:
    """How every kind is written, the built-in ones first. Raises `UnknownDegradation` where packages share a name."""
    return [*(kind.usage for kind in BUILT_IN.values()), *map(_plugin_usage, _plugins())]


@cache
def _plugins() -> Mapping[str, EntryPoint]:
    """Entry points of other packages by name. A degradation is looked up for every image: they are read once."""
    plugins: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, _distribution(point))):
        if point.name in {NONE, *BUILT_IN}:
            owner = "a built-in one"
        elif point.name in plugins:
            owner = f"one of {_distribution(plugins[point.name])}"
        else:
            plugins[point.name] = point
            continue
        package = _distribution(point)
        msg = f"degradation {point.name!r} of {package} has the name of {owner}: rename it, or uninstall {package}"
        raise UnknownDegradation(msg)
    return plugins


@cache
def _plugin_kind(name: str) -> DegradationKind:
    point = _plugins()[name]
    try:
        value = point.load()
        kind = value if isinstance(value, DegradationKind) else value()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        msg = f"degradation {name!r} cannot be loaded from {point.value} ({reason}): repair or uninstall it"
        raise UnknownDegradation(msg) from error
    if not isinstance(kind, DegradationKind):
        msg = f"degradation {name!r} of {point.value} is a {type(kind).__name__}: make it a DegradationKind"
        raise UnknownDegradation(msg)
    return replace(kind, distribution=_distribution(point))


def _plugin_usage(name: str) -> str:
    try:
        return _plugin_kind(name).usage
    except UnknownDegradation:
        return f"{name} (which cannot be loaded)"


def _distribution(point: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return point.value if point.dist is None else f"{point.dist.name} {point.dist.version}"
