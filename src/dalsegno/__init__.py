"""Config-driven experiments for segmenting large multi-dimensional images."""
