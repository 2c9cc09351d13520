"""An image set with what is known of each of its files before a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from bench.images.image_set import ImageSet
from bench.platform.errors import InputError


@dataclass(frozen=True)
class InspectedImages:
    """An image set with the records of its files.

    Attributes:
        images: The image set.
        records: One row per image in the same order, columns as the fields of
            `bench.images.quality.file_records.FileRecord`, those of its appearance where they were asked for.
    """

    images: ImageSet
    records: pd.DataFrame

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """Content hashes, (N, 32)."""
        return _to_array(self.records["hash"])

    @property
    def perceptual_hashes(self) -> NDArray[np.uint8]:
        """Perceptual hashes, (N, 18)."""
        return _to_array(self.records["perceptual_hash"])

    @property
    def table(self) -> pd.DataFrame:
        """The image set's table and the records without hashes, side by side; `size` is called `bytes`."""
        records = self.records.drop(columns=["hash", "perceptual_hash"]).rename(columns={"size": "bytes"})
        return pd.concat([self.images.table, records], axis=1)

    @property
    def unreadable(self) -> pd.DataFrame:
        """Columns `name` and `reason` of the files that cannot be used, those that were refused by name last."""
        bad = self.records["reason"] != ""
        unreadable = pd.DataFrame({"name": self.images.table["name"][bad], "reason": self.records["reason"][bad]})
        refused = pd.DataFrame(self.images.refused, columns=["name", "reason"])
        return pd.concat([unreadable, refused], ignore_index=True)

    def usable(self) -> InspectedImages:
        """The same without the files that cannot be used."""
        good = self.records["reason"] == ""
        if good.all():
            return self
        return InspectedImages(self.images.select(good), self.records[good].reset_index(drop=True))

    def require_usable(self, max_unreadable: float) -> InspectedImages:
        """The same without the files that cannot be used.

        Files that were refused by name count against the whole data set, not against a selection of it.

        Args:
            max_unreadable: The largest share of such files that is allowed, in [0, 1].

        Raises:
            InputError: There are more.
        """
        unread, refused = int((self.records["reason"] != "").sum()), len(self.images.refused)
        for bad, total in ((unread, len(self.images)), (refused, self.images.listed + refused)):
            if bad > max_unreadable * total:
                first = self.unreadable.iloc[0 if bad is unread else unread]
                msg = (
                    f"{self.images.files.where}: {bad} of {total} images cannot be used, such as {first['name']} "
                    f"({first['reason']}); replace them, or allow more with --max-unreadable (now {max_unreadable:g})"
                )
                raise InputError(msg)
        return self.usable()


def _to_array(column: pd.Series[bytes]) -> NDArray[np.uint8]:
    """A column of equally many bytes each as uint8 (N, bytes), without a copy."""
    values = pa.array(column)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    size = values.type.byte_width
    return np.frombuffer(values.buffers()[1], np.uint8).reshape(-1, size)[values.offset :][: len(values)]
