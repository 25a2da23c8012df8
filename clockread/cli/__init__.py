"""The command line: ``clockread predict``, ``bench`` and ``info``."""
