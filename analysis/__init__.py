"""From a run's raw files to numbers, tables and plots.

Nothing here touches a host, the network or the clock: the same files give the same bytes. Reading the run's folder and
writing the report into it are its only I/O.
"""
