"""Files and config in, files out: the only writer of results.

Nothing is imported here, so that a command loads no more than its own stage needs.
"""
