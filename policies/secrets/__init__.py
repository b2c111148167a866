"""Which strings are credentials: formats that providers publish, and the contexts that give other secrets away."""
