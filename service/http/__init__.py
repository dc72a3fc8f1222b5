"""What all routes share: problems, the request log, limits, keys, and the OpenAPI document."""
