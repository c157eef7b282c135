"""The types of what people write, and the codes and sentences of what is wrong with it."""
