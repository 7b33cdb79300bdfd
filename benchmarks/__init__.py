"""Measurements of the lab itself, and long runs."""
