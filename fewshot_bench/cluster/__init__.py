"""Past one machine: who does the units of a run, this process or the workers of a Ray cluster."""
