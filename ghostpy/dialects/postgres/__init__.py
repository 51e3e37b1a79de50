"""PostgreSQL: the same parts under the same names as the MySQL dialect. Not there yet."""
