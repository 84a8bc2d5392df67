"""The containers' jobs, and a stand-in for a container engine, for tests on machines that have none."""
