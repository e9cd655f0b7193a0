"""Training: recipes, the network, the compiled loop, checkpoints and the history. Needs the extra ``convert``."""
