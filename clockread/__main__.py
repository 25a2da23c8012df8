"""Entry point of the console script and of ``python -m clockread``: streams and signals first, then all that takes time to import."""

from __future__ import annotations

import sys

from clockread import signals, streams


def main() -> None:
    """Run the command line on the arguments of the process."""
    streams.prepare()
    signals.install()
    try:
        from clockread import cli

        cli.main()
    except signals.Stop as stop:
        streams.complain(str(stop))
        sys.exit(stop.exit_code)
    finally:
        signals.uninstall()


if __name__ == "__main__":
    main()
