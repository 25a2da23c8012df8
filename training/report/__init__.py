"""The experiments of the course report: planned, run, judged against its claims, and written up."""
