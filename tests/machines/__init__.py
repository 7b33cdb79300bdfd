"""Machines that the lab didn't make: containers that are as much like a Debian machine as a container can be."""
