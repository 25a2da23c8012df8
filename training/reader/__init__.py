"""The reader's networks: built, trained on rendered dials, exported, quantized and calibrated."""
