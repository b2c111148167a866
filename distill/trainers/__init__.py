"""Ways to make a student of examples, one file each."""
