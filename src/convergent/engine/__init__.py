"""The training loop, the step, the plan, checkpoints."""
