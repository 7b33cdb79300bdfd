"""Where the lab keeps its files on a host."""

HOME = "/var/lib/fairground"
"""The lab's own folder on every host, of mode 0700."""
