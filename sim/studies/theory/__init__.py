"""Theory beside the figures: exact answers of models that pools are near to, and a test of the installation."""
