"""Where things are kept: configs, statistics and scores, weights, arrays.

A store knows kinds, names and plain documents, never component classes.
"""
