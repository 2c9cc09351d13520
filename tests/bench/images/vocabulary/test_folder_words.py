"""Words of folders that are no classes: what is left out, copies, contents, and names that say nothing."""

import pytest

from bench.images.vocabulary.folder_words import (
    annotated_name,
    copy_name,
    is_annotation,
    is_content,
    is_copy,
    is_generic,
    is_manipulated,
    is_preview,
    is_serial,
)

KINDS = {
    is_annotation: "masks Mask gt GroundTruth ground-truth depth_maps Annotations tampered_masks CASIA2_gt seg",
    is_preview: "assets docs Figures preview thumbnails teaser",
    is_copy: "facebook Twitter WhatsApp original pre-social jpeg_50 q90 eps8 epsilon_0.5 blur3 c23 clean",
    is_content: "cats Bedroom train faces art reddit",
    is_generic: "images data Dataset img part-000001 shard_3 Frames image_data",
    is_manipulated: "manipulated_sequences manipulated_videos manipulated_images",
    is_serial: "000 00042 10",
}
OTHERS = (
    "flux maskgit unmasked depthanything compressed originality cat_gan stargan manipulator 7 v000 SDXL-part imagenet"
)


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_each_kind_are_known_and_others_are_not(kind):
    words = KINDS[kind].split()
    assert list(filter(kind, words)) == words
    assert list(filter(kind, OTHERS.split())) == []


def test_files_that_describe_an_image_are_named_for_it():
    stems = ("0001_mask", "a-gt", "b_Depth", "c_seg", "d_edges", "mask", "x_masked", "y", "z_mask_2")
    assert [annotated_name(stem) for stem in stems] == ["0001", "a", "b", "c", "d", "", "", "", ""]


def test_images_to_which_nothing_was_done_are_no_copy():
    assert [copy_name(one) for one in ("Original", "pre-social", "none", "Facebook", "")] == [
        "",
        "",
        "",
        "Facebook",
        "",
    ]
