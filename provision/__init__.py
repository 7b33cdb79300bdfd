"""Everything done to a host over SSH: each module is one thing that is done, over a `Connection`."""
