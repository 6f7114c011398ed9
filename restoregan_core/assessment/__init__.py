"""How blurred and how rainy a frame is."""
