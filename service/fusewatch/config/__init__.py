"""What the operator wrote: `settings` from the environment, `rulefile` from YAML, `schema` for editors.

Nothing is imported here: `check` must answer in half a second, and pydantic-settings alone takes a tenth.
"""
