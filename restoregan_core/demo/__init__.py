"""The clips that the demo plays, and what is measured on them."""
