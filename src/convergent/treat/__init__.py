"""Treatment: repair a training, and keep a remedy only where a trial shows that it helped."""
