"""What all results have in common."""
