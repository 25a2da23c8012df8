"""Training of the networks, and the course report's experiments.

`dials` renders, `reader` trains and exports the networks, `edge` writes one-file readers, `report`
repeats the course report, and `run_all` runs them all.
"""
