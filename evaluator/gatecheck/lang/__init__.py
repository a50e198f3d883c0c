"""The rule language: from text to a checked pack. Stages, one way: parse -> AST -> check -> core."""
