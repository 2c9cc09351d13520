"""Images that are not independent of each other: frames of one video, copies of one photograph, pairs by name.

They are one source: they stay together when splits are drawn, and count as one where intervals are computed.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from bench.images.files.tree import Tree
from bench.images.reading import BY_FOLDER, BY_NAME
from bench.platform.errors import InputError

FRAME = r"((frame|img|image)[-_ ]?)?\d{1,7}"  # the stem of a frame
VIDEO = r"(video|vid|clip|movie|shot|sequence|seq)[-_ ]?\d+|\d{3}_\d{3}|id\d+(_id\d+)?_\d{4}"  # the name of its folder
UNDER_FRAMES = r"(.*/)?frames/[^/]+"  # a folder of one video, whatever its name
MIN_FOLDERS = 4  # that look like videos, for any to be taken as one
MIN_NUMBERED = 10  # folders of numbered images, for a proposal
PAIRED = 0.9  # of the generated images: so many have the name of a real one in a set of pairs
MIN_PAIRED = 20  # generated images, for pairs to be looked for
PLAIN_NUMBER = r"\d{1,6}"  # of a file in any folder: it pairs nothing


def with_sources(tree: Tree, table: pd.DataFrame, groups: Collection[str] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with the source of every image as the user states it, or as folders of videos show it.

    Args:
        tree: The data set, with what the user states.
        table: Columns as `bench.images.layouts.api.ImageRow`.
        groups: The columns of the data set's own tables whose groups the sources are.

    Returns:
        The table, and what a reader of results should know of sources, one sentence each.

    Raises:
        InputError: What the user states is no column, and fits no name.
    """
    stated = tree.reading.group
    if stated:
        return table.assign(source=_stated_sources(tree, table, groups)), ()
    if not len(table) or not _all_are_own(table):
        return table, ()
    folders = _folders(table["name"])
    videos = _videos(table["name"], folders)
    if len(videos) >= MIN_FOLDERS:
        frames = folders.isin(videos)
        shorter = [_without_last(*pair) for pair in zip(table["content"], folders, strict=True)]
        contents = table["content"].where(~frames, shorter)
        note = f"frames of one video are one source: {len(videos)} folders such as {videos[0]} were taken as videos"
        return table.assign(source=folders.where(frames, table["source"]), content=contents), (note,)
    return table, ()


def _all_are_own(table: pd.DataFrame) -> bool:
    """Whether the source of each image is itself: its name, or the key of its sample, which is its name up to a dot."""
    pairs = zip(table["name"], table["source"], strict=True)
    return all(f"{name}.".startswith(f"{source}.") for name, source in pairs)


def _stated_sources(tree: Tree, table: pd.DataFrame, groups: Collection[str]) -> pd.Series[str]:
    """The sources that the user states. Raises `InputError`."""
    stated = tree.reading.group
    if stated == BY_FOLDER:
        return _folders(table["name"])
    if stated == BY_NAME:
        return _stems(table["name"])
    if "(" in stated:
        return _matched_sources(tree, table, stated)
    if stated not in groups:
        msg = (
            f"{tree.where}: no table has the column {stated}, which --group names; give a column, {BY_FOLDER}, "
            f"{BY_NAME}, or a regular expression with one group in brackets"
        )
        raise InputError(msg)
    return table["source"]


def _matched_sources(tree: Tree, table: pd.DataFrame, pattern: str) -> pd.Series[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        msg = f"--group {pattern!r} is no regular expression ({error}); mend it"
        raise InputError(msg) from error
    matches = [compiled.search(name) for name in table["name"]]
    if compiled.groups != 1 or not any(matches):
        what = "fits no name of an image" if compiled.groups == 1 else f"has {compiled.groups} groups, one is wanted"
        msg = f"{tree.where}: --group {pattern!r} {what}, such as {table['name'].iloc[0]}; mend it"
        raise InputError(msg)
    sources = [match[1] if match else name for match, name in zip(matches, table["name"], strict=True)]
    return pd.Series(sources, table.index)


def _videos(names: pd.Series[str], folders: pd.Series[str]) -> list[str]:
    """Folders of several numbered images that are called as videos are, or lie below a folder `frames`."""
    found = _stems(names).str.fullmatch(FRAME).groupby(folders).agg(["all", "size"])
    several = found.index[found["all"] & (found["size"] > 1)]
    return [
        folder
        for folder in several
        if re.fullmatch(VIDEO, folder.rpartition("/")[2].lower()) or re.fullmatch(UNDER_FRAMES, folder.lower())
    ]


def _folders(names: pd.Series[str]) -> pd.Series[str]:
    """The folders that files are in, "" for the top."""
    return names.str.replace("/?[^/]*$", "", regex=True)


def _stems(names: pd.Series[str]) -> pd.Series[str]:
    """The names of files without folder and suffix."""
    return names.str.replace("(?s)^.*/", "", regex=True).str.replace(r"(?s)(.)\.[^.]+$", r"\1", regex=True)


def _without_last(content: str, folder: str) -> str:
    """A content class without the folder of a video at its end."""
    return content.removesuffix(folder.rpartition("/")[2]).rstrip("/")


def proposals(table: pd.DataFrame) -> list[str]:
    """What a user may want to state of a table in which every image is a source of its own, one sentence each."""
    if not len(table) or not _all_are_own(table):
        return []
    folders, stems = _folders(table["name"]), _stems(table["name"])
    real = set(stems[table["label"] == 0])
    generated = stems[(table["label"] == 1) & ~stems.str.fullmatch(PLAIN_NUMBER)]
    found = []
    enough = len(generated) * 2 > max((table["label"] == 1).sum(), MIN_PAIRED)
    if enough and generated.isin(real).mean() >= PAIRED:
        example = generated[generated.isin(real)].iloc[0]
        found.append(
            f"real and generated images share names, such as {example}; where one was made from the other, "
            "say --group name"
        )
    numbered = stems.str.fullmatch(FRAME).groupby(folders).agg(["all", "size"])
    many = numbered.index[numbered["all"] & (numbered["size"] > 1)]
    leaves = [folder for folder in many if folder.rpartition("/")[2] and folder.count("/")]
    if len(leaves) >= MIN_NUMBERED:
        found.append(
            f"every image counts as a source of its own; where folders such as {leaves[0]} hold what belongs together, "
            "such as frames of one video, say --group folder"
        )
    return found
