"""`preceptor demo`: the main job from data to a promoted student, on the processes that production runs."""
