"""Values that all parts share: frozen, slotted, without I/O."""
