"""The server the commands talk to: its address, the wire, and its API. Nothing here knows of command lines.

Imported for every query typed, hence plain sockets: an HTTP library would take longer to import than most answers take.
Only what needs more than an address (an http_config, a proxy) brings in the client that receivers have.
"""
