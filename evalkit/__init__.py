"""evalkit: how often do models make things up, contradict each other, and who was right."""

__version__ = "0.1.0"
