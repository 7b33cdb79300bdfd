"""All implementations beside each other: nobody can tell them apart."""
