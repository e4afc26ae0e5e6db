"""Reading Langfuse: the only code that knows its endpoints, its shapes and its ways to fail."""
