"""``clockread serve``: reads photos that HTTP clients send.

Only the command imports these modules: all but `limits` need the extra ``serve``.
"""
