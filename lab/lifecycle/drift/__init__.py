"""Drift: the lab as it is declared against the lab as it runs."""
