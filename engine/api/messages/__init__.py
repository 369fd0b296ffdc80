"""What travels over the API: one struct a request, a query or a response. The OpenAPI document is made of these.

Conventions: times are Unix seconds, angles degrees, picture coordinates normalised (0 to 1, origin in the upper left
corner), zoom positions 0 (wide) to 1 (tele). Requests with unknown fields are refused, so that a misspelt name is an
error and not a silence. Clients must ignore response fields that they do not know.
"""
