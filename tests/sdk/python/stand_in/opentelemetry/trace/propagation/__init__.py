"""Contexts as texts."""
