"""The process around a run: command line, start-up order, files, signals."""
