"""Self-contained HTML pages: what they share, and the page of the demo."""
