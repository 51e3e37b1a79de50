UPDATE t SET day = {0..99} WHERE id = {10..50};
