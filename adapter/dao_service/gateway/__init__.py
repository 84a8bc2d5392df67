"""One operation to one call of the database."""
