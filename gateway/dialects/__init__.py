"""The endpoints, one dialect each; `gateway.app` lists them."""
