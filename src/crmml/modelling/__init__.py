"""One training path for every target."""
