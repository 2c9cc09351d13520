"""Sets of manipulated faces: frames of videos, and lists that say more than the folders."""

from __future__ import annotations

from tests.support.public_data_sets.shapes import Images, Other, Part, PublicDataSet

FF_SPLITS = {"train": ("071", "054"), "val": ("720", "672"), "test": ("953", "974")}
FF_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")
CELEB = {
    "Celeb-real": (0, ("id0_0000", "id1_0003"), ("id1_0003",)),
    "Celeb-synthesis": (1, ("id0_id1_0000", "id1_id0_0003"), ("id1_id0_0003",)),
    "YouTube-real": (0, ("00000", "00170"), ("00170",)),
}
DF40_PAIRED = ("fsgan", "MRAA", "StyleGANXL", "sd2.1")
DF40_WHOLE = ("heygen", "MidJourney", "whichfaceisreal", "CollabDiff")


def face_forensics() -> tuple[Part, ...]:
    """Frames of every video at one compression; the splits are lists of pairs of videos beside the folders."""
    parts: list[Part] = [Other(f"{split}.json", f'[["{pair[0]}", "{pair[1]}"]]') for split, pair in FF_SPLITS.items()]
    for split, (one, other) in FF_SPLITS.items():
        for video in (one, other):
            folder = f"original_sequences/youtube/c23/frames/{video}"
            parts.append(Images(f"{folder}/{{n:03d}}.png", 0, "", split, video))
        for method in FF_METHODS:
            for video, source in ((f"{one}_{other}", one), (f"{other}_{one}", other)):
                folder = f"manipulated_sequences/{method}/c23"
                parts += [
                    Images(f"{folder}/frames/{video}/{{n:03d}}.png", 1, method, split, source),
                    Other(f"{folder}/masks/{video}/{{n:03d}}.png", numbers=(0, 1)),
                    Other(f"{folder}/landmarks/{video}/{{n:03d}}.npy", numbers=(0, 1)),
                ]
    return tuple(parts)


def celeb_df() -> tuple[Part, ...]:
    """Frames of every video; a list of the videos of the test set, where 1 is real."""
    lines: list[str] = []
    parts: list[Part] = []
    for folder, (label, videos, tested) in CELEB.items():
        for video in videos:
            split = "test" if video in tested else "train"
            parts += [
                Images(f"{folder}/frames/{video}/{{n:03d}}.png", label, "", split, video),
                Other(f"{folder}/landmarks/{video}/{{n:03d}}.npy", numbers=(0, 1)),
            ]
        lines += [f"{1 - label} {folder}/{video}.mp4" for video in tested]
    return (*parts, Other("List_of_testing_videos.txt", "\n".join(lines) + "\n"))


def uadfv() -> tuple[Part, ...]:
    """Real and fake videos of one number."""
    return tuple(
        part
        for video in ("0000", "0001")
        for folder, name, label in (("real", video, 0), ("fake", f"{video}_fake", 1))
        for part in (
            Images(f"{folder}/frames/{name}/{{n:03d}}.png", label, "", "", video),
            Other(f"{folder}/landmarks/{name}/{{n:03d}}.npy", numbers=(0, 1)),
        )
    )


FACE_FOLDERS = (
    PublicDataSet(
        "FaceForensics++ of DeepfakeBench",
        "repository SCLBD/DeepfakeBench, README.md and preprocessing/rearrange.py",
        "repository",
        face_forensics(),
        note="a video, its manipulations and their masks are one unit; the split is in three lists of pairs",
    ),
    PublicDataSet(
        "Celeb-DF-v2 of DeepfakeBench",
        "repository SCLBD/DeepfakeBench, preprocessing/rearrange.py; README.md of a follower (tree)",
        "repository",
        celeb_df(),
        note="the list states 1 for real; the maker of the frames takes the test videos for validation too",
    ),
    PublicDataSet(
        "UADFV of DeepfakeBench",
        "tree in the README.md of a follower of SCLBD/DeepfakeBench",
        "code of a user",
        uadfv(),
    ),
)
