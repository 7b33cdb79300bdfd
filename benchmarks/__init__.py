"""The lab measured: what its own work costs."""
