"""Training: `dials` renders, `reader` trains the networks, `report` repeats the course report."""
