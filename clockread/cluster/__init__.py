"""Reads more photos than one machine can, with Ray Data; needs the extra ``ray``.

Data flows `photos` (what to read) → `parts` (what is left) → `run` (who reads it) → `worker`, which
reads one part and writes it as one Parquet file. `places` opens folders and object stores.
"""

# Here, because the command line shows them without the extra.
PART_PHOTOS = 64  # of a part: what a killed worker loses, and the rows of a file
PATH_COLUMN = "path"  # of a list and of the results
