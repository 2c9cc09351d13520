"""Which libraries are there, in which versions, and whether they can be imported."""

from __future__ import annotations

import platform
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from bench.command.machine.findings import MachineFinding
from bench.command.machine.trials import Trial, import_library, reason
from bench.platform.installed import ABSENT, installed_version

TOPIC, EXTRAS, KNOWN = "Libraries", "Extras", "Known problems"
DISTRIBUTION = "lineup-bench"
# those that change scores or are needed to compute any, by distribution; value: the module
MODULES: Mapping[str, str] = {
    "numpy": "numpy",
    "pillow": "PIL.Image",
    "opencv-python-headless": "cv2",
    "scipy": "scipy.stats",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "PyWavelets": "pywt",
    "skops": "skops.io",
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "open_clip_torch": "open_clip",
    "onnxruntime": "onnxruntime",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;]*(?:;.*extra\s*==\s*['\"]([^'\"]+)['\"])?")


def trials() -> dict[str, Trial]:
    """What is tried of the libraries, by module."""
    return {module: (import_library, (module,)) for module in MODULES.values()}


def examine_libraries(answers: Mapping[str, Any]) -> Iterator[MachineFinding]:
    """Lineup, Python and every library that scores depend on. `answers` are those of `trials`."""
    yield MachineFinding(TOPIC, "lineup", "ok", f"{installed_version(DISTRIBUTION)} in {Path(__file__).parents[3]}")
    yield MachineFinding(TOPIC, "python", "ok", f"{platform.python_version()} on {platform.platform()}")
    for name, module in MODULES.items():
        version, answer = installed_version(name), answers[module]
        if version == ABSENT:
            yield MachineFinding(TOPIC, name, "problem", "is not installed", f"pip install {name}")
        elif isinstance(answer, BaseException):
            text = f"{version} cannot be imported ({reason(answer)})"
            yield MachineFinding(TOPIC, name, "problem", text, f"pip install --force-reinstall {name}=={version}")
        else:
            yield MachineFinding(TOPIC, name, "ok", version)


def examine_extras() -> Iterator[MachineFinding]:
    """What further packages would bring."""
    wanted: dict[str, list[str]] = {}
    for line in requires(DISTRIBUTION) or []:
        if (match := _REQUIREMENT.match(line)) and match[2]:
            wanted.setdefault(match[2], []).append(match[1])
    for extra, packages in wanted.items():
        missing = [name for name in packages if installed_version(name) == ABSENT]
        brings = known_problems()["extras"].get(extra, "")
        if missing:
            text = f"not installed: {brings}" + (f" ({', '.join(missing)})" if len(missing) < len(packages) else "")
            yield MachineFinding(
                EXTRAS, extra, "note", text, f"pip install '{DISTRIBUTION}[{extra}]', where it is wanted"
            )
        else:
            yield MachineFinding(EXTRAS, extra, "ok", brings)


def examine_combinations() -> Iterator[MachineFinding]:
    """Versions that are known not to work."""
    for one in known_problems()["combination"]:
        found = {name: installed_version(name) for name in one["packages"]}
        if all(found[name] != ABSENT and fnmatch(found[name], wanted) for name, wanted in one["packages"].items()):
            yield MachineFinding(KNOWN, _titles(found.items()), "problem", one["why"], one["do"])


def _titles(versions: Iterable[tuple[str, str]]) -> str:
    return " with ".join(f"{name} {version}" for name, version in versions)


@cache
def known_problems() -> dict[str, Any]:
    """The file of combinations and extras."""
    return tomllib.loads((Path(__file__).parent / "known_problems.toml").read_text(encoding="utf-8"))
