UPDATE t SET day = {0..99} WHERE id = {1..150};
