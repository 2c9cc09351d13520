"""What differs between the settings stands in one table per recipe: nothing else of `detectors/` looks at a setting."""

import ast
from pathlib import Path

import pytest

from detectors.card import SETTINGS

DETECTORS = Path(__file__).parents[2] / "detectors"
MODULES = sorted(DETECTORS.glob("**/*.py"))
TABLE = "variants"


def is_setting(node):
    return isinstance(node, ast.Attribute) and node.attr == "setting"


def is_table(node):
    return isinstance(node, ast.Attribute) and node.attr == TABLE


def branches(tree):
    """Line numbers of what compares a setting, or looks something up by it in another table than `variants`."""
    for node in ast.walk(tree):
        compared = isinstance(node, ast.Compare) and any(map(is_setting, (node.left, *node.comparators)))
        matched = isinstance(node, ast.Match) and is_setting(node.subject)
        looked_up = isinstance(node, ast.Subscript) and is_setting(node.slice) and not is_table(node.value)
        if compared or matched or looked_up:
            yield node.lineno


def named(target):
    return target.id if isinstance(target, ast.Name) else ""


def tables(tree):
    """Line numbers of tables that are keyed by setting and are not called `variants`."""
    known = set()
    for node in ast.walk(tree):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(node, ast.Assign | ast.AnnAssign) and TABLE in map(named, targets):
            known.add(node.value)
        keys = node.keys if isinstance(node, ast.Dict) else ()
        if node not in known and any(isinstance(key, ast.Constant) and key.value in SETTINGS for key in keys):
            yield node.lineno


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(DETECTORS)))
def test_no_recipe_branches_on_its_setting(module):
    tree = ast.parse(module.read_text())
    assert not list(branches(tree)), "state what differs in `variants`"
    assert not list(tables(tree)), "one table per recipe: add a field to its `Variant`"


@pytest.mark.parametrize(
    "code",
    [
        'x = 1 if self.setting == "paper" else 2',
        'x = 1 if "paper" != recipe.setting else 2',
        'x = self.setting in ("paper",)',
        "x = SIDE[self.setting]",
        'match self.setting:\n    case "paper": pass',
    ],
)
def test_a_branch_is_found(code):
    assert list(branches(ast.parse(code))) == [1]


def test_a_second_table_is_found():
    assert list(tables(ast.parse('SIDE = {"paper": 256, "small": 128}'))) == [1]
    assert not list(tables(ast.parse('variants: Table = {"paper": LARGE, "small": SMALL}')))
    assert not list(branches(ast.parse("x = self.variants[self.setting]")))
