"""What ``restoregan evaluate`` measures, on pairs of degraded and clean images."""
