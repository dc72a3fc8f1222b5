"""What all routes share: problem replies, the request log, limits, keys, and the OpenAPI document."""
