"""The pipeline over recorded drives: figures, pictures, pages and comparisons."""
