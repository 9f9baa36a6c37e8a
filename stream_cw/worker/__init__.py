"""The worker: a Faust app that takes record batches and keeps every profile's state.

A round goes through `transport` (records come as batches), `rounds` (rounds in flight, in order),
`work` (the pure part: records in, changes out), `output` (changes as bytes), `sending` (batches go
out) and `store` (states on disk).
"""
