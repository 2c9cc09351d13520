"""Names of the fixed filters in front of LaDeDa's networks, without importing torch."""

from __future__ import annotations

from typing import Literal, get_args

InputFilter = Literal["raw", "NPR", "x_grad", "y_grad", "left_diag", "right_diag"]
FILTERS: tuple[InputFilter, ...] = get_args(InputFilter)  # weights name them by their number
