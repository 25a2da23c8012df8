"""Entry point of the console script and of ``python -m clockread``.

Streams and signals are set up first, before the modules that take time to import.
"""

from __future__ import annotations

import os
import sys

from clockread import streams
from clockread.cli import signals

# Without these, NumPy starts threads that small arrays never need, and both libraries print
# warnings of their own if the system refuses a thread.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OPENCV_LOG_LEVEL": "SILENT"}


def main() -> None:
    """Run the command line on the arguments of the process."""
    streams.prepare()
    signals.install()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        from clockread.cli import app as cli

        cli.main()
    except signals.Stop as stop:
        streams.complain(str(stop))
        sys.exit(stop.exit_code)
    finally:
        signals.uninstall()


if __name__ == "__main__":
    main()
