"""Training of clockread's networks and the experiments of the course report."""
