"""Decide whether a change may be promoted, from rules, evidence and approvals, and keep a signed record of it."""
