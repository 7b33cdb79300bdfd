"""Experiments: plan, order, the loop over cells, journal and resume, with the protocols and workloads that they use."""
