"""The operator's side, on the admin port: metrics of all processes, and what the store knows."""
