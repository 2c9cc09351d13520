"""Adversarial: images changed within a budget so that one detector errs, shown to it and to all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import (
    NONE,
    Attack,
    Axis,
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    Scope,
    Unanswerable,
    grouped,
    option,
)
from protocols.attacks import canonical_attacks
from protocols.degradations import canonical_steps
from protocols.subsets import cells_of, mixed_subsets, require_at_least


def attack_of(cell: Cell) -> str:
    """How the images of a cell were attacked, and degraded after it: "none", or such as "pgd:2:0.5:10 + jpeg:90"."""
    steps = [cell.attack.method if cell.attack else NONE, cell.test.degradation]
    return " + ".join(step for step in steps if step != NONE) or NONE


def target_of(cell: Cell) -> str:
    """The detector that was attacked: its name, or "none"."""
    return NONE if cell.attack is None else cell.attack.target.detector


@dataclass(frozen=True)
class Adversarial(EvaluationProtocol):
    """Every detector, trained on clean images, tested on them clean and as each target was attacked.

    What an attack does to its own target is the white-box accuracy, robust accuracy as it is called; what it does to
    others says whether attacks transfer, which ranks: detectors without a gradient are no targets, and would win else.
    """

    attacks: tuple[str, ...] = option(
        ("fgsm:2", "pgd:2"), "fgsm:E and pgd:E:STEP:STEPS, in levels of 255, such as fgsm:1,pgd:4:1:20.",
        names="attacks",
    )  # fmt: skip
    targets: tuple[str, ...] = option((), "Detectors to attack; empty: all of the run that have a gradient.")
    after: tuple[str, ...] = option(
        (), "Applied to attacked and clean images, such as jpeg:90, each beside none.", names="degradations"
    )
    images: int = option(50, "Test images of each class, at most; 0 for all: an attack costs some passes an image.")
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "adversarial"
    title: ClassVar[str] = "Adversarial: attack one detector (rows) with FGSM and PGD (columns), test all of them"
    source: ClassVar[str] = "Goodfellow et al., arXiv 1412.6572 (FGSM); Madry et al., arXiv 1706.06083 (PGD)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="target", columns="attack")
    axes: ClassVar[Mapping[str, Axis]] = {"target": Axis(target_of), "attack": Axis(attack_of)}

    def __post_init__(self) -> None:
        """Raises ValueError for a negative number of images."""
        require_at_least(0, images=[self.images])

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, degradation, target and attack, and clean ones. Raises `Unanswerable`."""
        attacks, steps = canonical_attacks(self.attacks), (NONE, *canonical_steps(self.after))
        train, test = mixed_subsets(scope, self.train_on)
        if self.images:
            test = replace(test, size=min(self.images, scope.images.largest_size(test)))
        clean = cells_of(scope, [(train, replace(test, degradation=step)) for step in steps])
        targets = self._targets(scope)
        attacked = [cell for cell in clean if cell.detector in targets and cell.test.degradation == NONE]
        found = []
        for cell in clean:
            seed = scope.seeds[0] if cell.checkpoint else cell.seed
            attackers = [one for one in attacked if one.checkpoint or one.seed == seed]
            found += [cell, *(replace(cell, attack=Attack(one, how)) for one in attackers for how in attacks)]
        return found

    def _targets(self, scope: Scope) -> Sequence[str]:
        """The detectors to attack. Raises `Unanswerable` where one has no gradient, or none has one."""
        able = ", ".join(scope.differentiable)
        for name in self.targets:
            if name not in scope.differentiable:
                known = "has no gradient to follow" if name in scope.detectors else "is not in the run"
                msg = f"{name} {known} and cannot be attacked; {f'of the run {able} can' if able else 'no other can'}"
                raise Unanswerable(msg)
        if not scope.differentiable:
            msg = f"none of {', '.join(scope.detectors)} has a gradient to follow; add cnnspot or clip_probe"
            raise Unanswerable(msg)
        return self.targets or scope.differentiable

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Clean images, those attacked for others and for the detector itself, and each attack, also degraded after it.

        Only the last, one by one, are of degraded images.
        """
        del scope
        undegraded = [cell for cell in cells if cell.test.degradation == NONE]
        own = [cell for cell in cells if cell.attack and target_of(cell) == cell.detector]
        transfer = [cell for cell in undegraded if cell.attack and cell not in own]
        return [
            grouped("clean", (cell for cell in undegraded if not cell.attack), "home"),
            grouped("transfer", transfer, "away"),
            grouped("white box", (cell for cell in own if cell in undegraded)),
            *(
                grouped(f"white box, {how}", (cell for cell in own if attack_of(cell) == how))
                for how in dict.fromkeys(map(attack_of, own))
            ),
        ]
