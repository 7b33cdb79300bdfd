"""The report as pages: Markdown, a self-contained HTML file, and rows for a terminal."""
