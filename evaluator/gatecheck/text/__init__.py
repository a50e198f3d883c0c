"""Source text and what is said about it: spans, diagnostics, the nearest name."""
