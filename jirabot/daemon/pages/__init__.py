"""What people see in a browser: rendered here, without scripts."""
