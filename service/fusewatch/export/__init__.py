"""Where exports are written: CSV, JSON Lines and Parquet files, tables of SQLite and PostgreSQL."""
