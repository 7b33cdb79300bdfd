"""Everything done to a host over SSH, over a `Connection`."""
