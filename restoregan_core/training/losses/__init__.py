"""What the trainer minimises."""
