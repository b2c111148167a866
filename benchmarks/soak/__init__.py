"""A billion requests a month at four times its mean, on two cores, with everything running."""
