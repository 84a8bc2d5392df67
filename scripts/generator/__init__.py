"""Generates the adapter's mechanical code and documents from the migrated database."""
