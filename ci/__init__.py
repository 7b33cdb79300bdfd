"""What CI jobs call besides `lab`: the gate of a change, and its comment."""
