"""``clockread serve``: reads photos that HTTP clients send.

Only the command imports these modules: they need the extra ``serve``.
"""
