"""The loop: teacher examples in, a promoted student out.  Never imported by the gateway or the monitors."""
