"""Running the networks: shipped models, onnxruntime sessions, and the usable CPUs."""
