"""What is asked: circuit, observables and device noise as programs and Pauli strings.

`question` is the way in. `program` holds a circuit's operations, `pauli` their transfer
matrices, `parts` how these turn with an angle, `observable` the Pauli strings that are read,
`noise` a device's channels, `cone` what an observable can see, `angles` all angles at once.
"""
