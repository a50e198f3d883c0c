"""Keys and signatures: OpenSSH ed25519 keys, SSHSIG, DSSE envelopes, and files that say whose key is trusted."""
