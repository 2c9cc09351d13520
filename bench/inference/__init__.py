"""What computes the bodies of networks: torch, onnxruntime or OpenVINO, and whether their scores agree."""
