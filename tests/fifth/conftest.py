"""The fifth implementation's own tests need the packages of its image; its `checks.Dockerfile` runs them."""

collect_ignore = ["api"]
