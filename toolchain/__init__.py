"""What a fresh machine lacks: Docker engine, Pulumi engine, plugin and language host, Python packages.

Everything that `bootstrap` imports runs before the virtual environment exists, and so needs the standard library
alone. `language_host` is the exception: the Pulumi engine starts it, in the environment.
"""
