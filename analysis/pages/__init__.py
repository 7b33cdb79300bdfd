"""The report as pages: Markdown, one self-contained HTML file, and rows for a terminal.

Each page is a function of the `Report` alone, so the same run gives the same bytes.
"""
