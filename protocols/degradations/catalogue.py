"""Which kinds of degradation there are: the built-in ones, and those of other packages by their entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from detectors.api import Sample
from protocols.degradations.blur import BLUR, MEDIAN, SHARPEN
from protocols.degradations.codecs import AVIF, HEIC, JP2, JXL, WEBP
from protocols.degradations.colour import (
    BRIGHTNESS,
    CONTRAST,
    GAMMA,
    GREYSCALE,
    POSTERISE,
    SATURATION,
    VIGNETTE,
)
from protocols.degradations.draws import content_generator
from protocols.degradations.geometry import CROP, CROP_SHARE, FLIP, PAD, ROTATE
from protocols.degradations.jpeg import CANONICAL, JPEG, JPEG_FALLING, JPEG_SHIFTED
from protocols.degradations.kind import NONE, DegradationKind, Parameters, UnknownDegradation
from protocols.degradations.noise import GAUSSIAN_NOISE, IMPULSE_NOISE, POISSON_NOISE, SPECKLE_NOISE
from protocols.degradations.overlays import STICKER, TEXT
from protocols.degradations.resampling import LONGEST, LOW_RESOLUTION, RESIZE, SCALE, SCREENSHOT, THUMBNAIL

GROUP = "lineup.degradations"


def drawn_severity(sample: Sample, name: str) -> Sample:
    """Degrade an image by one of the severities of a kind, drawn from the content of the image.

    Args:
        sample: Any size that the kind takes.
        name: Of the kind, as `_parse_drawn` takes it.

    Raises:
        ValueError: The kind cannot degrade the image.
    """
    kind, choices = _severities(name)
    chosen = content_generator(sample.pixels, f"random:{name}").integers(len(choices))
    return kind.apply(sample, *choices[chosen])


def _severities(name: str) -> tuple[DegradationKind, list[Parameters]]:
    """A kind and the parameters of each of its severities. Raises `UnknownDegradation` where there are none."""
    kind = find(name)
    choices = [] if kind is None else [parameters for one in kind.severities if (parameters := kind.parse(one))]
    if kind is None or not choices:
        msg = f"degradation {name!r} has no severities to draw from"
        raise UnknownDegradation(msg)
    return kind, choices


def _parse_drawn(text: str) -> Parameters | None:
    kind = find(text)
    return (text,) if kind is not None and kind.severities else None


def _identity_of_drawn(name: str) -> str:
    """What changes whenever the pixels of a drawn severity may: its kind, and what is drawn from."""
    kind, choices = _severities(name)
    return f"{name}@{kind.identity(choices[0])} {' '.join(kind.severities)}"


RANDOM = DegradationKind(
    drawn_severity,
    1,
    _parse_drawn,
    "random:NAME (one of the severities of a kind, as random:jpeg, drawn from the content of each image)",
    encoder=_identity_of_drawn,
)
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
    "resize": RESIZE,
    "scale": SCALE,
    "longest": LONGEST,
    "thumbnail": THUMBNAIL,
    "screenshot": SCREENSHOT,
    "crop_share": CROP_SHARE,
    "pad": PAD,
    "rotate": ROTATE,
    "flip": FLIP,
    "median": MEDIAN,
    "sharpen": SHARPEN,
    "gaussian_noise": GAUSSIAN_NOISE,
    "poisson_noise": POISSON_NOISE,
    "speckle_noise": SPECKLE_NOISE,
    "impulse_noise": IMPULSE_NOISE,
    "brightness": BRIGHTNESS,
    "contrast": CONTRAST,
    "saturation": SATURATION,
    "gamma": GAMMA,
    "greyscale": GREYSCALE,
    "posterise": POSTERISE,
    "vignette": VIGNETTE,
    "text": TEXT,
    "sticker": STICKER,
    "random": RANDOM,
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


def kinds() -> dict[str, DegradationKind | str]:
    """Every kind by name, the built-in ones first; of one that cannot be loaded, the sentence that says why.

    Raises:
        UnknownDegradation: Packages share a name.
    """
    found: dict[str, DegradationKind | str] = dict(BUILT_IN)
    for name in _plugins():
        try:
            found[name] = _plugin_kind(name)
        except UnknownDegradation as error:
            found[name] = str(error)
    return found


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


def _distribution(point: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return point.value if point.dist is None else f"{point.dist.name} {point.dist.version}"
