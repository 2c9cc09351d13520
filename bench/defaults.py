"""What a run does when nothing else is asked."""

DETECTORS = "hog_svm,spectrum,residual,cnnspot,clip_probe,clip_layers"
BATCH_SIZE = 50
