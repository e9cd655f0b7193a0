"""Installation: what this machine is, what works on it, and what to type to install."""
