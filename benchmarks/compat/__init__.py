"""The openai SDK's own tests against a real gateway in front of an upstream whose replies the SDK's types define."""
