"""The ledger: a bare git repository of signed, chained records that git, ssh-keygen and sha256sum can audit."""
