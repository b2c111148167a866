"""What the policies catch, what they block wrongly, and what they cost."""
