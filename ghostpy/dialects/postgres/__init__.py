"""PostgreSQL: the same parts under the same names as the MySQL dialect.

wal          the change stream
clone        the shadow's definition, and what belongs to a table
dependants   what points at a table from outside
in_place     changes without a shadow
"""
