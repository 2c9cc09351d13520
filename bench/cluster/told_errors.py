"""Exceptions in words, as they come from a node: what raised them may not be importable here, and nothing is run."""

from __future__ import annotations

from dataclasses import dataclass

from bench.platform.errors import DiskFull, InputError
from detectors.api import Unavailable
from detectors.isolation.calls import in_words

_KNOWN = (DiskFull, InputError, Unavailable)


@dataclass(frozen=True)
class ToldError:
    """An exception in words.

    Attributes:
        kind: Name of its type.
        text: Its text; empty where it has none.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, error: BaseException) -> ToldError:
        """An exception in words; one whose text cannot be had tells what `in_words` does."""
        name = next((kind.__name__ for kind in _KNOWN if isinstance(error, kind)), type(error).__name__)
        try:
            return cls(name, str(error))
        except Exception:  # noqa: BLE001 - whatever the text of anybody's exception raises
            return cls("RuntimeError", in_words(error))

    def error(self) -> Exception:
        """An exception of that name and text, whose reason in a table is that of the original."""
        known = next((kind for kind in _KNOWN if kind.__name__ == self.kind), None)
        found: Exception = (known or type(self.kind, (RuntimeError,), {}))(self.text)
        return found
