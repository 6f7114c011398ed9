"""An object detector on frames before and after restoration."""
