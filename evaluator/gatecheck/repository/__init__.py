"""The caller's own git repository: rule packs at a revision, and the change between two commits. Only ever read."""
