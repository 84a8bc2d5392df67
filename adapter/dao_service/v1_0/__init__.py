"""The in-process API in the words of contract 1.0. Sessions are the same as those of 1.2."""
