"""One HTTP request to one operation, and back."""
