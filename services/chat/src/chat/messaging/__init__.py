"""What chat says. It hears nothing, so that no score can ever reach an operator from here."""
