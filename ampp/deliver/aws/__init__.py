"""Amazon Web Services, as far as SNS needs them: signatures, credentials and where services live."""
