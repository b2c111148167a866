"""Does the journal keep up, and does anybody notice when it cannot?"""
