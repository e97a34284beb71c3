"""What changes, as it changes, for whoever listens: `event` is one change, `feed` keeps the last of them in order,
`watch` finds them."""
