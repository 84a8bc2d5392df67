"""Writes the adapter's models and bindings from what a migrated database says about itself."""
