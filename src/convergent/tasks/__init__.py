"""One file a task; each exports TASK."""
