"""What a run does when nothing else is asked."""

DETECTORS = "hog_svm,spectrum,residual,cnnspot,clip_probe,clip_layers"
ALL = "all"  # every detector that is installed
BATCH_SIZE = 50
BASELINES = "metadata,colour"  # what a detector must beat: they see no traces of generation
CPU, DEVICE = "cpu", "device"
DEGRADING_PLACES = (CPU, DEVICE)  # what degrades images: the processor, or torch on the device of the run
MAX_UNREADABLE = 0.01  # share of the files that may be unusable before a run refuses to start
