"""The language server: what an editor shows while rules are written. Only here pygls and its types are known."""
