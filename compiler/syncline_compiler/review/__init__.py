"""The review of a change: both sides compiled and compared, what it does to those who rely on it and to the data."""
