"""The command line: `app` has the commands on photos; the others have modules of their own."""
