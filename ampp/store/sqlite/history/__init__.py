"""`history.db`: the journal unfolded into one row per change of an alert and per decision to notify, and indexed.

`schema` says what the tables hold, `names` gives small numbers to texts and label sets, `unfold` turns records into
rows, `historian` is the thread that does so behind the journal, `sweep` takes away what is old or too much.
"""
