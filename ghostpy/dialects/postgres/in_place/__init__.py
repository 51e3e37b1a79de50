"""Changes without a shadow: chosen by what the server says, and carried out in steps."""
