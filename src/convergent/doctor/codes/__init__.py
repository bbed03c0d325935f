"""The vocabulary of the doctor, family by family: what each code says, why it matters, and what to do in order."""
