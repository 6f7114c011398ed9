"""What runs a network on a frame: torch, OpenVINO, TensorRT."""
