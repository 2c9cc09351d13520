"""The tokens of a text tower that knows a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from detectors.api import Unavailable

PADDING, START, FIRST_WORD = 0, 1, 2  # tokens; the last one of all is the end


class WordTokenizer:
    """One token for each word of a vocabulary, in which a comma is a word.

    The token of the end is the highest, as open_clip's text towers want it.

    Args:
        vocabulary: Its words, in lower case.
        context_length: Length of the token sequences.
    """

    def __init__(self, vocabulary: Sequence[str], context_length: int) -> None:
        self.size = len(vocabulary) + FIRST_WORD + 1
        self._tokens = {word: token for token, word in enumerate(vocabulary, FIRST_WORD)}
        self._length = context_length

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokens of P texts, int64 (P, context_length), padded with zeros.

        Raises:
            Unavailable: A text has a word that is not in the vocabulary, or is too long.
        """
        rows = np.zeros((len(texts), self._length), np.int64)
        for row, text in zip(rows, texts, strict=True):
            tokens = [START, *map(self._token, re.findall(r"[^\s,]+|,", text.lower())), self.size - 1]
            if len(tokens) > self._length:
                msg = f"{text!r} has {len(tokens) - 2} words and commas: the text tower reads {self._length - 2}"
                raise Unavailable(msg)
            row[: len(tokens)] = tokens
        return rows

    def _token(self, word: str) -> int:
        if word in self._tokens:
            return self._tokens[word]
        near = get_close_matches(word, self._tokens, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        msg = f"the text tower does not know {word!r}: {hint}it knows {' '.join(self._tokens)}"
        raise Unavailable(msg)
