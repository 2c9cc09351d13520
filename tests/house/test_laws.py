"""Laws of the house that no linter knows: who writes, who reads the environment, how long a function is."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "detectors", "protocols", "lineup_bench")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

WRITERS = {
    "bench/platform/files.py",  # the one way to write a file whole
    "bench/platform/processes/commands.py",  # what a command printed, into a file that its caller named
    "bench/platform/locks.py",  # who holds a lock, into the file that it is on
    "bench/platform/checksums.py",  # the same, with its checksum beside it
    "bench/platform/seals.py",  # the same, with its checksum in it
    "detectors/weights/downloads.py",  # what comes from the network, in a folder that the user named
    "bench/records/store.py",  # results
    "bench/inference/graphs.py",  # the cache
    "bench/cluster/bridge.py",  # what Ray prints, in a folder that goes with the run
    "bench/cluster/shards.py",  # into memory
    "bench/engine/cache.py",  # the cache folder
    "bench/engine/caching/embedding_files.py",  # the same
    "bench/engine/caching/inspections.py",  # the same
    "bench/engine/caching/shared_files.py",  # the same, fetched from the store that it is a copy of
    "bench/engine/caching/use_records.py",  # the same
    "bench/engine/caching/working_cache.py",  # the same, and links to it in a folder of a command's own
    "bench/storage/image_cache.py",  # the same, images of remote data
    "bench/storage/working_copy.py",  # the same, of which store a folder is a copy
    "bench/storage/result_copy.py",  # results, fetched from a store
    "bench/images/data_sets.py",  # the folder of the corpora, in the cache
    "bench/request/result_folder.py",  # an empty result folder
    "bench/engine/tracking/training_curves.py",  # TensorBoard writes its own files
    "bench/images/degraded_copies.py",  # images and a manifest, in a folder that the user named
    "bench/images/quality/matching.py",  # a manifest of the user's, in a folder that the user named
    "bench/command/runs/sweep.py",  # a folder in that of a sweep, for what its runs print
    "bench/command/score.py",  # a table of the user's, in a file that the user named
    "bench/interface/finished.py",  # a figure, in files that the user named
    "bench/command/finished/report.py",  # a page, which the user named
    "bench/command/new.py",  # a file to begin with, which the user named
    "bench/golden/golden_record.py",  # into memory
    "bench/golden/question_record.py",  # the same
    "bench/command/gate/gate_output.py",  # reports of the gate, in files that the user or a CI server named
    "bench/command/exchange/export.py",  # tables of the user's, in a place that the user named
    "bench/exchange/data_package/package.py",  # results, and beside exported tables
    "bench/report/export/forms.py",  # the same
    "bench/records/validation.py",  # results
    "bench/records/sudden_ends.py",  # the same
    "detectors/training/checkpoint.py",  # what a killed training is resumed from, in the folder that it was given
}
MAKERS = ("bench/embedded/",)  # of the corpus and of the weights that ship, in folders that they were given
WRITING = {
    *("write_bytes", "write_text", "write_table", "write_atomically", "save_file", "savefig", "SummaryWriter"),
    *("to_parquet", "touch", "mkdir", "makedirs", "copyfile", "copytree"),
}
ENVIRONMENT = {
    "bench/command/menu/completion.py",  # what the script of a shell sets
    "bench/command/options.py",
    "bench/cluster/ray_process.py",  # what Ray takes from there alone, in a process of its own
    "bench/interface/surroundings.py",  # the cache and the folder of weights, for notebooks too
    "detectors/isolation/process_state.py",  # set back after calls of detectors, and not looked at
    "detectors/weights/locations.py",  # torch's download folder, found as torch finds it and without importing torch
}
LONGEST, USUAL, MOST_PARAMETERS = 60, 18, 8
FULLEST = 15  # modules in one folder
# tests of no single module, and what they test
OF_SEVERAL_MODULES = {
    "bench/test_mutated_files.py": "every file that others may give, with something wrong in it",
    "bench/test_extensions.py": "metrics, sections and executors of other packages",
    "bench/command/test_command.py": "every command, from what is typed to the files that it leaves",
    "bench/command/test_released.py": "released checkpoints, from what is typed to the board",
    "bench/command/test_saved_detectors.py": "what run keeps, score reads and another run starts from",
    "bench/engine/test_each_image_once.py": "embedding, fitting and scoring: the work that they share",
    "bench/engine/test_engine.py": "a whole run: batches, order, a kill, caches and failures",
    "bench/engine/test_same_content.py": "one data set in five forms: the same splits and train sets",
    "bench/engine/test_sharing.py": "what detectors share in embedding, fitting and scoring",
    "bench/evaluation/test_open_protocols.py": "evaluation and report of protocols that do not ship",
    "bench/images/decoding/test_mutations.py": "decoding and completeness, over damaged files",
    "bench/images/layouts/test_new_layout.py": "a layout that does not ship",
    "bench/images/test_public_data_sets.py": "layouts and annotations, over public data sets in small",
    "bench/storage/test_runs_on_s3.py": "whole runs with cache, results and images on a store that fails",
    "bench/test_interruptions.py": "runs that are killed, on a full disk, short of memory, or with hostile detectors",
    "bench/report/page/test_browser.py": "the whole page, in a real browser",
    "bench/report/page/test_stress.py": "pages of 44 generators with failed and skipped cells, and of two data sets",
    "bench/report/test_report.py": "tables, pictures and files of one run",
    "lineup_bench/test_notebook.py": "the notebook of docs/, against the command line",
    "lineup_bench/test_public.py": "what the package gives: its names, their signatures, and what is imported when",
    "protocols/test_degradation_plugins.py": "degradations of other packages",
    "protocols/test_protocols.py": "every protocol that is installed",
    "protocols/test_training_share.py": "the protocol of tests/plugin",
}


@cache
def trees():
    """The syntax tree of each module by its path: made in the one process that tries the laws."""
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in SOURCES}


def called(node):
    """The last name of what a call calls."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def opens_for_writing(node):
    """Whether a call of `open`, the function or a path's method, has a mode that writes."""
    place = 1 if isinstance(node.func, ast.Name) else 0
    given = [*node.args[place : place + 1], *(word.value for word in node.keywords if word.arg == "mode")]
    modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return called(node) == "open" and any(set(mode) & set("wax+") for mode in modes)


def writes(tree):
    """Line numbers where files are written or folders made."""
    nodes = list(ast.walk(tree))
    named = [node.lineno for node in nodes if getattr(node, "attr", getattr(node, "id", "")) in WRITING]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    tables = [node.lineno for node in calls if called(node) in {"to_csv", "to_json"} and node.args]
    return named + tables + [node.lineno for node in calls if opens_for_writing(node)]


def reads_the_environment(tree):
    """Line numbers where the environment is read, or imported by its own name."""
    names = {"environ", "environb", "getenv", "getenvb"}
    nodes = list(ast.walk(tree))
    found = [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr in names]
    imports = (node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "os")
    return found + [node.lineno for node in imports if names & {one.name for one in node.names}]


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function):
    """Lines from the signature to the end, the docstring left out."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return lines - (first.end_lineno - first.lineno + 1 if said and len(function.body) > 1 else 0)


def parameters(function):
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def named_values(tree):
    """Names and values of the assignments of a module."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def is_alias(value):
    """Whether an assigned value is a generic type or a union of types."""
    return isinstance(value, ast.Subscript) or (isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr))


def public_types(tree):
    """Names of the public classes and type aliases of a module."""
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    aliases = [
        name for name, value in named_values(tree) if name[:2].istitle() and not name.isupper() and is_alias(value)
    ]
    return {name for name in (*classes, *aliases) if not name.startswith("_")}


def type_variables(tree):
    """Names of the type variables of a module."""
    return {name for name, value in named_values(tree) if isinstance(value, ast.Call) and called(value) == "TypeVar"}


def breaches(law, allowed=()):
    """Where a law is broken, by file; `allowed` are beginnings of the names of files that may."""
    return {
        name: found for name, tree in trees().items() if not name.startswith(tuple(allowed)) and (found := law(tree))
    }


def too_long(tree):
    return [function.name for function in functions(tree) if length(function) > LONGEST]


def too_many_parameters(tree):
    return [function.name for function in functions(tree) if parameters(function) > MOST_PARAMETERS]


def may_round_float32(tree):
    """Where a network is computed outside of the context that keeps torch's switches from rounding."""
    contexts = [
        {ast.unparse(item.context_expr) for item in node.items} for node in ast.walk(tree) if isinstance(node, ast.With)
    ]
    return [names for names in contexts if "torch.inference_mode()" in names and "deterministic()" not in names]


def test_detectors_compute_where_no_switch_of_torch_rounds():
    within = ("detectors/training/loop.py",)  # a training is in the context as a whole
    assert breaches(may_round_float32, ("bench/", *within)) == {}


def test_only_who_may_writes_files():
    assert breaches(writes, (*WRITERS, *MAKERS)) == {}


def parses_json(tree):
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"loads", "load"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "json"
    ]


def test_json_of_files_is_read_in_one_way():
    own = ("bench/live/server.py", "bench/request/result_folder.py", "detectors/weights/locations.py")  # what we wrote
    assert breaches(parses_json, ("bench/platform/outside/json_text.py", *own)) == {}


def test_the_environment_is_read_by_the_command_line_alone():
    assert breaches(reads_the_environment, ENVIRONMENT) == {}


def test_no_function_is_too_long_or_has_too_many_parameters():
    assert breaches(too_long) == {}
    options = ("bench/command/", "bench/interface/")  # a parameter for each option
    assert breaches(too_many_parameters, options) == {}


def test_nine_functions_in_ten_are_short():
    lengths = sorted(length(function) for tree in trees().values() for function in functions(tree))
    assert lengths[len(lengths) * 9 // 10] <= USUAL


def test_no_two_public_types_have_one_name():
    homes = defaultdict(list)
    for name, tree in trees().items():
        for kind in public_types(tree):
            homes[kind].append(name)
    assert {kind: names for kind, names in homes.items() if len(names) > 1} == {}
    assert {kind for tree in trees().values() for kind in type_variables(tree)} & set(homes) == set()


def test_classes_aliases_unions_and_type_variables_are_seen():
    tree = ast.parse(
        'A1 = 1\nOne = str | int\nTwo = dict[str, int]\nThree = f()\nclass Four: ...\nFive = TypeVar("Five")'
    )
    assert public_types(tree) == {"One", "Two", "Four"}
    assert type_variables(tree) == {"Five"}


def test_no_folder_is_too_full():
    folders = defaultdict(list)
    for path in SOURCES:
        if path.name != "__init__.py":
            folders[path.parent].append(path.name)
    assert {folder: names for folder, names in folders.items() if len(names) > FULLEST} == {}


def without_a_module(tests):
    """Those of the tests, by their place below `tests/`, that mirror neither a module nor a package."""
    for test in tests:
        module = ROOT / test.parent / test.name.removeprefix("test_")
        if not module.is_file() and not (module.with_suffix("") / "__init__.py").is_file():
            yield test.as_posix()


def test_tests_stand_where_what_they_test_stands():
    """`tests/bench/engine/test_cache.py` tests `bench/engine/cache.py`."""
    tests = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(without_a_module(one for one in tests if one.parts[0] in PACKAGES)) == sorted(OF_SEVERAL_MODULES)
    others = {one.parts[0] for one in tests if one.parts[0] not in PACKAGES}
    assert others == {"house", "benchmarks", "docs"}
    rooms = {one.parent for one in tests if one.parts[0] in PACKAGES}
    assert [room for room in rooms if not (ROOT / room / "__init__.py").is_file()] == []


def test_a_test_without_a_module_is_seen():
    names = ["bench/engine/test_cache.py", "protocols/test_degradations.py", "bench/engine/test_cash.py", "test_run.py"]
    assert list(without_a_module(map(Path, names))) == names[2:]


@pytest.mark.parametrize(
    ("law", "breach"),
    [
        (writes, 'Path("a").write_text("b")'),
        (writes, 'open("a", "wb")'),
        (writes, 'path.open(mode="a")'),
        (writes, 'path.open("r+b")'),
        (writes, "partial(path.write_bytes, data)"),
        (writes, 'table.to_csv("a.csv", index=False)'),
        (writes, "from shutil import copytree\ncopytree(a, b)"),
        (reads_the_environment, 'import os\nos.environ["LINEUP"]'),
        (reads_the_environment, 'from os import path\nimport os\nos.getenv("LINEUP")'),
        (reads_the_environment, 'from os import environ\nenviron["LINEUP"]'),
        (reads_the_environment, 'from os import path, getenv as read\nread("LINEUP")'),
    ],
)
def test_a_breach_is_seen(law, breach):
    assert law(ast.parse(breach))


def test_what_breaks_no_law_is_not_seen():
    assert not writes(ast.parse('path.open()\nopen("a", "rb")\nstore.write("name", data)\ntext.replace("a", "b")'))
    assert not reads_the_environment(ast.parse("from os import path, getpid\nfrom torch import getenv\nos.getpid()"))


def test_long_functions_and_many_parameters_are_seen():
    (function,) = functions(ast.parse("def f(a, b, *, c):\n    '''Says\n    much.'''\n" + "    a = b\n" * 61))
    assert length(function) == 62
    assert parameters(function) == 3


def test_types_of_one_name_are_seen():
    assert public_types(ast.parse("class A: pass\nPlaces = dict[str, int]\nLIMIT = TABLE[0]")) == {"A", "Places"}
