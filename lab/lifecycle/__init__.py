"""Standing a lab up and taking it down: the Pulumi engine as a process, what a killed one leaves, and the receipt."""
