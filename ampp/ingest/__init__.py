"""Bodies in, alerts out: what a sender wrote, as `ampp.core.alert.PostedAlert`s. Pure, no trio, no store."""
