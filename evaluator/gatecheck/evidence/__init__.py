"""What tools wrote, read into the few facts that rules may ask about: one module per format.

``read.py`` is the way in, ``formats.py`` the table of what can be read. A reader never guesses: what it can't read is
an ``InputError``, and a file that measured nothing, or contradicts itself, carries a flaw and counts for nothing.
"""
