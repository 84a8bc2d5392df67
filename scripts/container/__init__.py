"""What the containers need beside the adapter, and what stands for a container engine where there is none."""
