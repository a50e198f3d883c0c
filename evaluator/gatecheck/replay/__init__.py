"""Repeat recorded decisions with the recorded rules and request, and compare them byte by byte."""
