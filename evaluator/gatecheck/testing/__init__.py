"""A pack's own tests: what is given becomes a request, which is decided as all are; the decision is compared."""
