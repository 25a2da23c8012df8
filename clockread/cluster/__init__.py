"""Reads more photos than one machine can, with Ray Data; needs the extra ``ray``.

Data flows `photos` (what to read) → `parts` (what is left) → `run` (who reads it) → `worker`, which
reads one part and writes it as one Parquet file. `places` opens folders and object stores.
"""
