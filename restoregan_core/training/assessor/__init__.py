"""Training of the learned assessor."""
