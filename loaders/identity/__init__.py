"""Which records speak of one person where they carry no identity number: decided with a score and reasons, undoable."""
