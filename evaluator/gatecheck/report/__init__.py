"""Show a recorded decision to people and to the tools around them; every format is made from the record alone."""
