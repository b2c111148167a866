"""How prompt injections are worded."""
