"""The report as pages: Markdown, a self-contained HTML file, and rows for a terminal.

A command imports the module of the page that it writes, as plots load matplotlib.
"""
