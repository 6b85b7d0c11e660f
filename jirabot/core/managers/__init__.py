"""Managers: one noun each; they carry values between ports and decide nothing themselves."""
