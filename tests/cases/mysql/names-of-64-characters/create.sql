CREATE TABLE a_table_whose_name_is_as_long_as_the_server_allows_to_the_last_a (
  the_key_whose_name_is_as_long_as_the_server_allows_to_the_last_c INT PRIMARY KEY, a_column_whose_name_is_as_long_as_the_server_allows_to_the_las_1 INT
);
-- repeat 150
INSERT INTO a_table_whose_name_is_as_long_as_the_server_allows_to_the_last_a VALUES ({n}, {n});
