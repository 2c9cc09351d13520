"""Names of the tensors of Gram networks; torch is not imported."""

from __future__ import annotations

# the published names of each block's convolution and of the two on its Gram matrix, from the input upwards
BLOCKS = (
    ("conv_interi_0", "gi_fc1", "gi_fc2"),
    ("conv_inter0_0", "g0_fc1", "g0_fc2"),
    ("conv_inter1_0", "g_fc1r", "g_fc2r"),
    ("conv_inter2_0", "g2_fc1", "g2_fc2"),
    ("conv_inter3_0", "g3_fc1", "g3_fc2"),
    ("conv_inter4_0", "g4_fc1", "g4_fc2"),
)
SMALL_BLOCKS = BLOCKS[:3]  # those of the small network
# the parts of both networks that no pretrained network has
GRAM_PARTS = ("scale", *(part for names in BLOCKS for part in names))
SMALL_GRAM_PARTS = ("scale", *(part for names in SMALL_BLOCKS for part in names))
