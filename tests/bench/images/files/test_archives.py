"""Zip and tar archives, read where they lie: the same as folders, and nothing that cannot be trusted."""

import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.images.data_sets import read as read_data
from bench.images.files.archives import open_archive
from bench.images.files.local import open_local
from bench.platform.errors import InputError
from tests.support.image_tables import png, same_pixels, structs, table, write_parquet


def genimage():
    """Members of a small GenImage by name; the images are of the numbers from 0 on, in order of name."""
    names = (
        f"{top}/{split}/{kind}" for top in ("ADM", "glide") for split in ("train", "val") for kind in ("ai", "nature")
    )
    return {f"{folder}/n{index}.PNG": png(index) for index, folder in enumerate(names)}


def folder(root, members):
    for name, data in members.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def tarred(path, members, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w") as made:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data), kind, "elsewhere.png"
            made.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(("pack", "name"), [(zipped, "x.zip"), (tarred, "x.tar")])
def test_an_archive_reads_as_its_folder_does(tmp_path, pack, name):
    whole = read_data(str(folder(tmp_path / "x", genimage())))
    packed = read_data(str(pack(tmp_path / name, genimage())))
    assert packed.table.equals(whole.table)
    assert packed.title == whole.title
    assert same_pixels(packed, range(8))
    assert packed.generators == ("ADM", "GLIDE")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x", name]


@pytest.mark.parametrize(("pack", "name"), [(zipped, "x.zip"), (tarred, "x.tar")])
def test_an_archive_of_a_folder_named_dot_reads_the_same(tmp_path, pack, name):
    members = {f"./{name}": data for name, data in genimage().items()}
    images = read_data(str(pack(tmp_path / name, members)))
    assert same_pixels(images, range(8))
    assert images.files.listing.ignored == {}


def test_a_table_inside_an_archive_is_read(tmp_path):
    for split in ("train", "test"):
        made = table({"image": structs([png(index) for index in range(6)]), "is_fake": [0, 1] * 3})
        write_parquet(tmp_path / "set" / f"{split}.parquet", made)
    members = {one.name: one.read_bytes() for one in (tmp_path / "set").iterdir()}
    for packed in (zipped(tmp_path / "a.zip", members), tarred(tmp_path / "a.tar", members)):
        images = read_data(str(packed))
        assert images.table.equals(read_data(str(tmp_path / "set")).table)
        assert same_pixels(images, [*range(6)] * 2)


def test_a_folder_of_archives_is_one_tree(tmp_path):
    zipped(tmp_path / "ADM.zip", {"train/ai/a.png": png(1), "train/nature/b.png": png(2)})
    tarred(tmp_path / "glide.tar", {"train/ai/a.png": png(3), "train/nature/b.png": png(4)})
    (tmp_path / ".hidden.zip").write_bytes(b"")
    tree = open_local(tmp_path)
    assert list(tree.listing.images) == ["ADM/train/ai", "ADM/train/nature", "glide/train/ai", "glide/train/nature"]
    assert tree.listing.ignored == {"hidden": 1}
    assert tree.read("glide/train/ai/a.png") == png(3)
    assert tree.stamp("ADM/train/ai/a.png")[0] == len(png(1))
    images = read_data(str(tmp_path))
    assert images.table.equals(read_data(f"genimage:{tmp_path}").table)
    assert images.generators == ("ADM", "GLIDE")
    assert same_pixels(images, [1, 2, 3, 4])


def test_the_published_archives_of_genimage_are_called_by_their_generators(tmp_path):
    members = {f"{split}/{kind}/a.png": png(1) for split in ("train", "val") for kind in ("ai", "nature")}
    zipped(tmp_path / "imagenet_ai_0508_adm.zip", members)
    zipped(tmp_path / "wukong.zip", {f"imagenet_ai_0424_wukong/{name}": data for name, data in members.items()})
    zipped(tmp_path / "mine.zip", members)
    assert read_data(str(tmp_path)).generators == ("ADM", "Wukong", "mine")


def test_two_archives_of_one_name_are_refused(tmp_path):
    zipped(tmp_path / "ADM.zip", {"train/ai/a.png": png(1)})
    tarred(tmp_path / "ADM.tar", {"train/nature/a.png": png(2)})
    refused(tmp_path, "two archives called ADM; keep one of the two")


def test_an_archive_beside_a_folder_of_its_name_is_refused(tmp_path):
    zipped(tmp_path / "ADM.zip", {"train/ai/a.png": png(1)})
    (tmp_path / "ADM").mkdir()
    (tmp_path / "ADM" / "metadata.csv").write_text("a,b\n")
    refused(tmp_path, "has a folder ADM already")


@pytest.mark.parametrize(("pack", "name"), [(zipped, "x.zip"), (tarred, "x.tar")])
def test_several_threads_read_one_archive_right(tmp_path, pack, name):
    members = {f"{index}.png": png(index) * 20 for index in range(30)}
    tree = open_archive(pack(tmp_path / name, members))
    order = [*members] * 6
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(tree.read, order))
    assert found == [members[one] for one in order]


def refused(place, reason):
    before = sorted(place.parent.rglob("*"))
    with pytest.raises(InputError, match=reason) as error:
        read_data(f"genimage:{place}")
    assert "\n" not in str(error.value)
    assert str(place) in str(error.value)
    assert sorted(place.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/x.png", "C:\\x.png", "..\\x.png", "\\\\host\\x.png"])
@pytest.mark.parametrize(("pack", "suffix"), [(zipped, "zip"), (tarred, "tar")])
def test_members_that_lead_out_are_refused(tmp_path, pack, suffix, name):
    refused(pack(tmp_path / f"x.{suffix}", genimage() | {name: b""}), "a name that leads out of it")


def test_two_members_of_one_name_are_refused(tmp_path):
    tarred(tmp_path / "x.tar", {"a.png": b"1", "./a.png": b"2"})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("a.png", b"1")
        made.writestr("./a.png", b"2")
    for suffix in ("tar", "zip"):
        refused(tmp_path / f"x.{suffix}", "two members of one name")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    refused(tarred(tmp_path / "x.tar", {"a.png": b""}, kind), r"holds 'a\.png', which is a link, a device")


def test_links_in_a_zip_are_read_as_the_bytes_they_are(tmp_path):
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    assert open_archive(tmp_path / "x.zip").read("a.png") == b"/etc/passwd"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_is_refused(tmp_path, mode):
    with tarfile.open(tmp_path / "x.tar", mode) as made:
        made.addfile(tarfile.TarInfo("a.png"))
    refused(tmp_path / "x.tar", "not a whole, uncompressed tar archive .* decompress it")


@pytest.mark.parametrize("kept", [0, 0.3, 0.9])
@pytest.mark.parametrize(("pack", "suffix"), [(zipped, "zip"), (tarred, "tar")])
def test_an_archive_cut_short_is_refused(tmp_path, pack, suffix, kept):
    members = {f"{index}.png": png(index) * 9 for index in range(9)}
    path = pack(tmp_path / f"x.{suffix}", members)
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data[: int(kept * len(data))])
    refused(path, f"not a whole.* {suffix} archive|not a whole, uncompressed tar archive")


def test_the_last_part_of_a_split_zip_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", genimage())
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x05\x06")
    data[place + 4 : place + 8] = b"\2\0\2\0"
    path.write_bytes(data)
    refused(path, r"is the last of several parts; join them first: zip -s 0 x\.zip")


def flagged(path, places):
    """Set the bit of encryption in the headers of a zip's first member."""
    data = bytearray(path.read_bytes())
    for signature, offset in places:
        data[data.find(signature) + offset] |= 1
    path.write_bytes(data)
    return path


def test_an_encrypted_zip_is_refused(tmp_path):
    path = flagged(zipped(tmp_path / "x.zip", genimage()), [(b"PK\1\2", 8), (b"PK\3\4", 6)])
    refused(path, r"is encrypted, as ADM/train/ai/n0\.PNG is; pack it again without a password")


def stated(path, size):
    """State another size for the one member of a zip."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        place = data.find(signature) + offset
        data[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    return open_archive(path)


@pytest.mark.parametrize("size", [10, 10**6 - 1, 10**6 + 1])
def test_a_member_of_another_size_than_stated_is_not_read(tmp_path, size):
    tree = stated(zipped(tmp_path / "x.zip", {"a.png": b"\0" * 10**6}), size)
    with pytest.raises(OSError, match=r"than (stated|the)") as error:
        tree.read("a.png")
    assert error.value.strerror


def test_a_member_of_no_image_s_size_is_not_unpacked(tmp_path):
    tree = stated(zipped(tmp_path / "x.zip", {"a.png": b"\0"}), 2**30)
    for read in (tree.read, tree.open):
        with pytest.raises(OSError, match="bytes are"):
            read("a.png")


def test_a_damaged_member_says_so(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.png": png(1) * 9})
    data = bytearray(path.read_bytes())
    data[60:80] = b"\xff" * 20
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"is damaged in x\.zip"):
        open_archive(path).read("a.png")


def test_a_tar_that_shrinks_after_it_was_listed_says_so(tmp_path):
    path = tarred(tmp_path / "x.tar", {"a.png": png(1)})
    tree = open_archive(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(OSError, match=r"ends .* bytes early"):
        tree.read("a.png")


@pytest.mark.parametrize(("pack", "name"), [(zipped, "x.zip"), (tarred, "x.tar")])
def test_a_member_that_is_not_there_is_a_missing_file(tmp_path, pack, name):
    tree = open_archive(pack(tmp_path / name, {"a.png": b"1"}))
    for ask in (tree.read, tree.stamp, tree.open):
        with pytest.raises(FileNotFoundError, match="no such member"):
            ask("b.png")


def test_a_window_of_a_tar_can_be_sought(tmp_path):
    tree = open_archive(tarred(tmp_path / "x.tar", {"a.json": b"before", "b.json": b"0123456789", "c.json": b"after"}))
    with tree.open("b.json") as opened:
        assert opened.seek(-3, io.SEEK_END) == 7
        assert opened.read() == b"789"
        assert opened.seek(2) == 2
        assert opened.read(3) == b"234"
        assert opened.seek(1, io.SEEK_CUR) == 6
        assert opened.read(100) == b"6789"


def test_hidden_members_are_told_apart_and_names_that_cannot_be_shown_are_read(tmp_path):
    members = {"__MACOSX/a.png": b"", ".b.png": b"", "c.png": b"", "d\x07.png": png(1)}
    tree = open_archive(zipped(tmp_path / "x.zip", members))
    assert tree.listing.images == {"": ["c.png", "d\x07.png"]}
    assert tree.listing.ignored["hidden"] == 2
    assert tree.read("d\x07.png") == png(1)


def test_a_member_whose_name_is_no_utf_8_is_read_by_its_escaped_name(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        member = tarfile.TarInfo("caf\xe9.png")
        member.size = len(png(1))
        archive.addfile(member, io.BytesIO(png(1)))
    assert open_archive(path).listing.images == {"": ["caf\\xe9.png"]}
    assert open_archive(path).read("caf\\xe9.png") == png(1)


def test_archives_are_seen_beside_loose_images_and_one_that_was_unpacked_is_left(tmp_path):
    zipped(tmp_path / "flux.zip", {"1.png": png(1)})
    zipped(tmp_path / "real.zip", {"1.png": png(2)})
    zipped(tmp_path / "code.zip", {"main.py": b"1"})
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "1.png").write_bytes(png(2))
    tree = open_local(tmp_path)
    assert tree.listing.images == {"flux": ["1.png"], "real": ["1.png"]}
    assert tree.listing.ignored == {".zip": 2}


def test_members_without_a_suffix_are_known_by_their_content(tmp_path):
    for pack, name in ((zipped, "x.zip"), (tarred, "x.tar")):
        tree = open_archive(pack(tmp_path / name, {"a": png(1), "b": b"text", "c.jpg_large": png(2)}))
        assert tree.listing.images == {"": ["a", "c.jpg_large"]}
        assert tree.listing.ignored == {"no suffix": 1}


def test_an_archive_that_changes_is_another_place(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.png": b"1"})
    before = open_archive(path).identity
    zipped(path, {"a.png": b"12"})
    assert open_archive(path).identity != before
