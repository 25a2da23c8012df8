"""Running the networks: the models that travel with clockread, sessions of onnxruntime, and the CPUs that they may use."""
