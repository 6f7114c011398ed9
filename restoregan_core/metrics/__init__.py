"""Image metrics and the statistics around them."""
