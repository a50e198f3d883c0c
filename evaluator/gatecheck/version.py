"""The versions a decision records, as plain constants: reading them from package metadata costs 60 ms at start."""

GATECHECK = "0.1.0"
LANGUAGE = 1
