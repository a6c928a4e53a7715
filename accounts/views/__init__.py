"""The pages: they read a form, call one operation, and say what came of it."""
