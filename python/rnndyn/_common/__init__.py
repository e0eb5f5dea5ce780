"""What several rooms need and no room owns; it knows none of them."""
