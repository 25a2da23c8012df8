"""One command for every figure in the documentation: `python -m benchmarks.<name>`."""
