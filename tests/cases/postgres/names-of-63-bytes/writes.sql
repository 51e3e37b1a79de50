UPDATE a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ SET v = v + 1 WHERE id = {1..150};
INSERT INTO a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ (v) VALUES ({n});
DELETE FROM a_table_whose_name_is_as_long_as_the_server_allows_any_of_them_ WHERE id = {1..150};
