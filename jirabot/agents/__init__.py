"""Agent backends, the containment they run in, and git: everything that touches code is behind two ports of core."""
