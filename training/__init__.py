"""Training: `dials` renders, `reader` trains the reader's networks, `report` runs the experiments of the course report."""
