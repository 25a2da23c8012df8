"""One clock in many photos: follow each dial, and decode its time and rate from all of them."""
