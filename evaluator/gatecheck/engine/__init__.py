"""Compile a checked pack to Python and evaluate requests with it. A pure core: no keys, clock, git or files."""
