"""How a student's answer is held against the teacher's, one file per way."""
