"""What the gateway costs, and its manners, beside what users would pick instead, in one run."""
