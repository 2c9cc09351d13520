"""Sets of manipulated faces: frames of videos, and lists that say more than the folders."""

from __future__ import annotations

from tests.support.public_data_sets.shapes import Archive, Images, Other, Part, PublicDataSet

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


def df40() -> tuple[Part, ...]:
    """Frames of known methods on two sets of videos, without real ones; real beside fake for the others."""
    parts: list[Part] = [
        Images(f"{top}/{method}/{domain}/frames/{video}/{{n:03d}}.png", 1, method, split, video)
        for top, split, domains in (("DF40", "test", ("ff", "cdf")), ("DF40_train", "train", ("ff",)))
        for method in DF40_PAIRED
        for domain in domains
        for video in {"test": ("000_003", "id0_id1_0000"), "train": ("071_054",)}[split]
    ]
    for method in DF40_WHOLE:
        parts.append(Images(f"DF40/{method}/real/{{n:05d}}.png", 0, "", "test"))
        parts.append(Images(f"DF40/{method}/fake/{{n:05d}}.png", 1, method, "test"))
    return tuple(parts)


def real_vs_fake() -> tuple[Part, ...]:
    """Folders two levels down; three lists at the top in which 1 is real."""
    parts: list[Part] = []
    for folder, split in (("train", "train"), ("valid", "val"), ("test", "test")):
        lines = [",original_path,id,label,label_str,path"]
        for word, label in (("real", 0), ("fake", 1)):
            parts.append(Images(f"real_vs_fake/real-vs-fake/{folder}/{word}/{{n:05d}}.jpg", label, "", split))
            lines += [
                f"{len(lines) - 1 + n},/kaggle/input/{n:05d}.png,{n:05d},{1 - label},{word},{folder}/{word}/{n:05d}.jpg"
                for n in (0, 1)
            ]
        parts.append(Other(f"{folder}.csv", "\n".join(lines) + "\n"))
    return tuple(parts)


def wild_deepfake() -> tuple[Part, ...]:
    """Archives of face crops, a folder for each video, below folders that say class and split in one word."""
    return tuple(
        Archive(
            f"deepfake_in_the_wild/{word}_{split}/{archive}.tar.gz",
            tuple(
                Images(f"{video}/{{n}}.png", int(word == "fake"), "", split, f"{word}_{split}/{archive}/{video}")
                for video in (0, 1)
            ),
        )
        for word in ("real", "fake")
        for split in ("train", "test")
        for archive in (0, 1)
    )


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
    PublicDataSet(
        "DF40",
        "repository YZY-stack/DF40, README.md; frames below ff in the code of a user",
        "repository",
        df40(),
        note="the real videos of ff and cdf are FaceForensics++ and Celeb-DF, which it does not ship",
    ),
    PublicDataSet(
        "WildDeepfake",
        "code of users of the Hugging Face data set xingjunm/WildDeepfake, fake_train/0.tar.gz",
        "code of a user",
        wild_deepfake(),
        note="folders of crops in the archives by users; their names inferred",
    ),
    PublicDataSet(
        "140k Real and Fake Faces",
        "paths real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake} and columns of train.csv in the code of users",
        "code of a user",
        real_vs_fake(),
        note="the lists state 1 for real and say so in words too; where the lists lie is inferred",
    ),
    PublicDataSet(
        "Real and Fake Face Detection",
        "paths in the code of users, real_and_fake_face/{training_real,training_fake}/easy_1_1110.jpg",
        "code of a user",
        (
            Images("real_and_fake_face/training_fake/easy_{n}_1110.jpg", 1),
            Images("real_and_fake_face/training_real/real_{n:05d}.jpg", 0),
        ),
        ("--classes", "training_real=real,training_fake=generated"),
        note="photographs edited by experts; training is no split here, as there is no other",
    ),
    PublicDataSet(
        "Deepfake and Real Images",
        "paths in the code of users, Dataset/{Train,Test,Validation}/{Real,Fake}/fake_0.jpg",
        "code of a user",
        tuple(
            Images(f"Dataset/{folder}/{word}/{word.lower()}_{{n}}.jpg", label, "", split)
            for folder, split in (("Train", "train"), ("Validation", "val"), ("Test", "test"))
            for word, label in (("Real", 0), ("Fake", 1))
        ),
        note="made from OpenForensics",
    ),
)
