"""Host kinds: each produces a `Host` that answers over SSH; from there one code path serves all."""
