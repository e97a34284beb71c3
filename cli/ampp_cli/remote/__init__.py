"""The server the commands talk to: its address, the wire, and its API. Nothing here knows of command lines.

Imported for every query typed, hence plain sockets: an HTTP library would take longer to import than most answers take.
So would typing, re, json, socket and contextlib: what a small query to a plain address needs is imported from none of
them, but from the modules in C below two of them, and `TYPE_CHECKING` is set here rather than imported.
Only what needs more than an address (an http_config, a proxy) brings in the client that receivers have.
"""
