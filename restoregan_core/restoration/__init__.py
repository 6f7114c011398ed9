"""Restoring the tiles that need it, checked and bounded."""
