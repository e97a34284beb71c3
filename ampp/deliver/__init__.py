"""How the decided reaches people: outbox, workers, retry, health, and one sender per receiver type.

Delivery never decides *whether* somebody is told; `ampp.core.engine` does, with a `Notify`.
"""
