CREATE TABLE a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ (id serial PRIMARY KEY, a_column_whose_name_is_as_long_as_the_server_allows_any_of_the1 int, v int,
  CONSTRAINT a_constraint_whose_name_is_as_long_as_the_server_allows_any_of1 CHECK (v > -100), CONSTRAINT a_constraint_whose_name_is_as_long_as_the_server_allows_any_of2 UNIQUE (v, id));
CREATE TABLE a_table_whose_name_is_as_long_as_the_server_allows_any_of_thems (id int);
CREATE INDEX an_index_whose_name_is_as_long_as_the_server_allows_any_of_them ON a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ (v);
-- repeat 150
INSERT INTO a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ (a_column_whose_name_is_as_long_as_the_server_allows_any_of_the1, v) VALUES ({n}, {n});
