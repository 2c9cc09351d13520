"""Small copies of public data sets are read as their makers say: image by image label, generator and split."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bench.images.data_sets import read
from bench.images.reading import Reading, parse_classes, parse_columns, parse_levels
from bench.images.vocabulary.generator_names import canonical_name
from bench.platform.errors import InputError
from tests.support.public_data_sets.catalogue import DATA_SETS
from tests.support.public_data_sets.shapes import Images, Truth, sha256, write

CELEB, JOURNEY, WILD = "Celeb-DF-v2 of DeepfakeBench", "JourneyDB", "WildDeepfake"
REFUSED = {  # with the options that their cards suggest, and what is said
    CELEB: r"generators \(Celeb-real, Celeb-synthesis, YouTube-real\).* --classes Celeb-real=real",
    JOURNEY: r"holds nothing that can be read: files of other kinds: 6 \.tgz; unpack the archives",
    WILD: r"holds nothing that can be read: files of other kinds: 8 \.gz; unpack the archives",
}
READABLE = sorted(DATA_SETS.keys() - REFUSED.keys())
WITHOUT_OPTIONS = {  # what is said, where something must be passed
    "AI vs. Human-Generated Images": "--classes 0=real,1=generated",
    "AI-ArtBench": "--classes AI_LD_art_nouveau=real",
    "CASIA 2.0": "--classes",
    "DRCT-2M": "--real FOLDER",
    "DiffusionDB 2M": "--real FOLDER",
    "NTIRE 2026 robust AI-generated image detection, training set": "--classes 0=real,1=generated",
    "OmAlve/Real-VS-AI-Art": "--classes AI_Art=generated,Real_Art=real",
    "OwensLab/CommunityForensics": "(--real)",
    "Parveshiiii/AI-vs-Real": "--classes 0=real,1=generated",
    "Rajarshi-Roy-research/Defactify_Image_Dataset": "--classes 0=real,1=generated",
    "SynthScars": "--real FOLDER",
    "elsaEU/ELSA_D3": "--real FOLDER",
    "itsLeen/deepfake_vs_real_image_detection": "--classes AiArtData=generated,RealArt=real",
    "lrzpellegrini/AI-GenBench-fake_part": "(--real)",
    "saberzl/SID_Set": "--classes 0=real,1=generated,2=skip",
    "saberzl/So-Fake-OOD version 1": "--classes tampered=real|generated|skip",
    "saberzl/So-Fake-OOD version 2": "--classes tampered=real|generated|skip",
}
MORE = (Images("{n}.jpg", 0, numbers=range(6)),)  # photographs, some for each split
PARSERS = {"--classes": parse_classes, "--columns": parse_columns, "--levels": parse_levels}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Writes each data set once."""
    return cache(lambda name: write(DATA_SETS[name], tmp_path_factory.mktemp("public")))


def parsed(options):
    """What the options of a command line state, and the folder of real images."""
    given = dict(zip(options[::2], options[1::2], strict=True))
    stated = {option.removeprefix("--"): PARSERS[option](text) for option, text in given.items() if option in PARSERS}
    return Reading(**stated), given.get("--real", "")


def differences(images, truths, *, splits=True):
    """What an image set says otherwise than its maker, one line per image."""
    true = {one.sha256: one for one in truths}
    rows = {sha256(images.files.read(row.name)): row for row in images.table.itertuples()}
    assert len(rows) == len(images)
    faults = [f"{row.name} is no image of the set" for digest, row in rows.items() if digest not in true]
    faults += [f"{one.place} is missing" for one in truths if one.label is not None and one.sha256 not in rows]
    for digest, row in rows.items():
        said = true.get(digest)
        if said and (row.label != said.label or not same_maker(row, said)):
            faults.append(f"{row.name} is {row.label} of {row.generator}, not {said.label} of {said.generator}")
        if splits and said and not said.added and row.split != said.split:
            faults.append(f"{row.name} is of the split {row.split}, not {said.split}")
    return faults


def same_maker(row, said: Truth):
    named = said.label == 1 and said.generator
    return not named or canonical_name(row.generator).lower() == canonical_name(said.generator).lower()


def states_splits(truths):
    """Whether a maker states several splits: of one alone, others are drawn."""
    return len({one.split for one in truths if not one.added and one.label is not None}) > 1


@pytest.mark.parametrize("name", READABLE)
def test_every_image_is_what_its_maker_says(written, name):
    root, _, options, truths = written(name)
    reading, real = parsed(options)
    images = read(str(root), real, reading)
    stated = states_splits(truths) and name != "DF40"
    assert images.drawn_splits is not stated
    assert differences(images, truths, splits=stated) == []
    assert images.reading, "what folders and columns were taken for is always said"


@pytest.mark.parametrize("name", sorted(name for name in READABLE if DATA_SETS[name].options))
def test_without_its_options_it_is_refused_with_their_name_or_read_right(written, name):
    root, _, _, truths = written(name)
    if name in WITHOUT_OPTIONS:
        with pytest.raises(InputError) as error:
            read(str(root))
        assert WITHOUT_OPTIONS[name] in str(error.value)
        assert "\n" not in str(error.value)
    else:
        assert differences(read(str(root)), truths, splits=states_splits(truths)) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_at_once_is_refused_with_the_way_out(written, name):
    root, _, options, _ = written(name)
    reading, real = parsed(options)
    with pytest.raises(InputError, match=REFUSED[name]):
        read(str(root), real, reading)


def test_split_words_beside_others_in_a_folder_are_told_and_not_used(written):
    images = read(str(written("DF40").root))
    assert "names that hold the word of a split and more were not taken as splits: DF40_train" in images.notes


def test_classes_that_are_told_and_a_list_of_testing_videos_give_the_rest(written):
    root, _, _, truths = written(CELEB)
    classes = parse_classes("Celeb-real=real,YouTube-real=real,Celeb-synthesis=generated")
    images = read(str(root), "", Reading(classes))
    assert differences(images, truths) == []
    assert "images that are in no list of a split were taken as training images" in images.reading


@pytest.mark.parametrize("name", [JOURNEY, WILD])
def test_archives_that_were_unpacked_are_read(written, name, tmp_path):
    root, _, _, truths = written(name)
    shutil.copytree(root, tmp_path / "data")
    for archive in [path for path in (tmp_path / "data").rglob("*.*") if tarfile.is_tarfile(path)]:
        unpack(archive)
    photographs = write(replace(DATA_SETS[name], parts=MORE, real=()), tmp_path / "more") if name == JOURNEY else None
    images = read(str(tmp_path / "data"), str(photographs.root) if photographs else "")
    added = [replace(one, added=True) for one in photographs.truths] if photographs else []
    own = [one for one in truths if not one.added]
    assert differences(images, [*own, *added]) == []
    if name == JOURNEY:
        assert images.generators == ("data",)


def unpack(archive: Path) -> None:
    """Unpack an archive into a folder of its own name, and take it away."""
    with tarfile.open(archive) as opened:
        opened.extractall(archive.parent / archive.name.partition(".")[0], filter="data")
    archive.unlink()
