"""Recipes of networks that published entry scripts show images to in different ways, as the option `script`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from detectors.api import Detector, Runtime, TrainSet, Unavailable
from detectors.preprocessing.augmentation import View
from detectors.preprocessing.entry_scripts import EntryScript, ScriptView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant


@dataclass(frozen=True)
class ScriptedRecipe(NetworkRecipe):
    """A network that published code tests in several ways.

    Attributes:
        script: The entry script that says how test images are shown, one of `scripts`; None is as the card says.
    """

    script: str | None = None

    scripts: ClassVar[Mapping[str, EntryScript]]

    def __post_init__(self) -> None:
        """Raises ValueError for a script that is not known."""
        if self.script not in {None, *self.scripts}:
            msg = f"{self.card.name} knows no script {self.script}: give one of {', '.join(self.scripts)}"
            raise ValueError(msg)

    @property
    def variant(self) -> NetworkVariant:
        """The variant of this setting, which shows test images as the script that was chosen."""
        own = self.variants[self.setting]
        if self.script is None or not own.published:
            return own
        script = self.scripts[self.script]
        return replace(own, view=self.scripted(own.view), input_size=script.input_size, input_policy=script.text)

    def scripted(self, view: View) -> View:
        """A view with the test of the script that was chosen; as it is where none was."""
        return view if self.script is None else ScriptView(view, self.scripts[self.script])

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """As every network. Raises `Unavailable` with a script where the setting has another network than its own."""
        if self.script is not None and not self.variants[self.setting].published:
            msg = f"script={self.script} shows images to the published {self.card.title}"
            raise Unavailable(f"{msg}: leave it out in the {self.setting} setting")
        return super().fit(train, seed, runtime)
