"""The Heisenberg table: an observable pulled back onto the states that data encoding makes.

`partition` cuts a program into front and suffix. `blocks` and `matrices` fuse the suffix, `pull`
takes Pauli strings back through it (`dense`: all there are at once). `front` and `mixed` are the
features of the front's states, `table` puts both together.
"""
