"""Installing what a fresh machine lacks: Docker engine, Pulumi engine, plugin and language host, Python packages.

Everything that `bootstrap` imports runs before the virtual environment exists, so it needs only the standard library.
`language_host` is the exception: the Pulumi engine starts it, in the environment.
"""
